interface Entry<V> {
  value: V;
  weight: number;
}

/**
 * Keeps what was used last, up to a total weight: for whatever there is any number of. In two
 * halves, so that finding what is in use moves nothing: once the recent half is full, whatever was
 * not asked for since the last time is let go.
 */
export class Lru<V> {
  private recent = new Map<string, Entry<V>>();
  private before = new Map<string, Entry<V>>();
  /** Of the recent half. */
  private weight = 0;

  constructor(private readonly most: number) {}

  get(key: string): V | undefined {
    const entry = this.recent.get(key);
    if (entry) return entry.value;
    const older = this.before.get(key);
    if (older) this.set(key, older.value, older.weight);
    return older?.value;
  }

  set(key: string, value: V, weight: number): void {
    this.delete(key);
    if (this.weight + weight > this.most / 2) {
      this.before = this.recent;
      this.recent = new Map();
      this.weight = 0;
    }
    this.recent.set(key, { value, weight });
    this.weight += weight;
  }

  delete(key: string): void {
    this.weight -= this.recent.get(key)?.weight ?? 0;
    this.recent.delete(key);
    this.before.delete(key);
  }
}
