import { Lru } from "../../src/reads/lru";

const keys = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `key ${from + i}`);

it("keeps what is in use, however much else comes, and never more than its weight", () => {
  const lru = new Lru<string>(100);
  for (const key of keys(0, 1_000)) {
    lru.set(key, `value of ${key}`, 10);
    expect(lru.get("key 0")).toBe("value of key 0");
    expect(lru.get(key)).toBe(`value of ${key}`);
  }
  const kept = keys(0, 1_000).filter((key) => lru.get(key));
  expect(kept.length).toBeLessThanOrEqual(10);
});

it("holds half of its weight at least, whatever the weights are", () => {
  const lru = new Lru<string>(100);
  for (const key of keys(0, 60)) lru.set(key, key, 1);
  expect(keys(10, 60).filter((key) => !lru.get(key))).toEqual([]);
  lru.set("heavy", "heavy", 60);
  expect(lru.get("heavy")).toBe("heavy");
  for (const key of keys(100, 160)) lru.set(key, key, 1);
  expect(lru.get("heavy")).toBeUndefined();
});

it("counts what is replaced or deleted no longer", () => {
  const lru = new Lru<number>(100);
  for (let i = 0; i < 20; i++) lru.set("one", i, 10);
  lru.set("two", 2, 40);
  expect([lru.get("one"), lru.get("two")]).toEqual([19, 2]);
  for (let i = 0; i < 20; i++) {
    lru.set("three", 3, 40);
    lru.delete("three");
  }
  expect([lru.get("one"), lru.get("two"), lru.get("three")]).toEqual([19, 2, undefined]);
});
