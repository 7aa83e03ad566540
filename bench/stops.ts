/** What has to be undone at the end, however the end comes; the last thing started goes first. */
export class Stops {
  private readonly list: (() => Promise<unknown>)[] = [];

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => void this.all().then(() => process.exit(1)));
    }
  }

  add(stop: () => Promise<unknown>): void {
    this.list.push(stop);
  }

  async all(): Promise<void> {
    for (let stop = this.list.pop(); stop; stop = this.list.pop()) {
      await stop().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
    }
  }
}
