import { Database } from "../../src/database/database";
import { CONNECTION_LASTS_MS, openDataSource } from "../../src/database/dataSource";
import { raw } from "../../src/database/sql";
import { url, useDatabase } from "../support/database";

beforeAll(useDatabase);

/** With one connection, so that what it holds is told by whatever is asked. */
let db: Database;

async function connect(): Promise<void> {
  db = new Database(await openDataSource({ url, as: "serve", poolSize: 1 }).initialize());
}
afterEach(async () => {
  jest.useRealTimers();
  await db.close();
});

const prepared = async (): Promise<string[]> => {
  const rows = await db.query<{ statement: string }>(raw("select * from pg_prepared_statements"));
  return rows.map(({ statement }) => statement).filter((text) => text.startsWith("select '"));
};
const statement = (what: string) => raw(`select '${what}' as what`);

async function times(count: number, what: string, how: "query" | "read"): Promise<void> {
  for (let i = 0; i < count; i++) {
    expect(await db[how](statement(what))).toEqual([{ what }]);
  }
}

it("keeps 200 reads prepared, from the third use on, and names for everything else", async () => {
  await connect();
  for (let i = 0; i < 250; i++) await times(2, `read ${i}`, "read");
  expect(await prepared()).toEqual([]);
  for (let i = 0; i < 250; i++) await times(2, `read ${i}`, "read");
  const first = Array.from({ length: 200 }, (_, i) => statement(`read ${i}`).text);
  expect((await prepared()).sort()).toEqual(first.sort());

  await times(3, "a write", "query");
  expect(await prepared()).toContain(statement("a write").text);
});

it("gives names anew after a while, to what is asked then", async () => {
  const start = Date.now();
  const clock = jest.spyOn(Date, "now");
  try {
    await connect();
    for (let i = 0; i < 200; i++) await times(3, `old ${i}`, "read");
    await times(3, "new", "read");
    expect(await prepared()).not.toContain(statement("new").text);

    clock.mockReturnValue(start + CONNECTION_LASTS_MS + 60_000);
    await times(3, "new", "read");
    expect(await prepared()).toContain(statement("new").text);
  } finally {
    clock.mockRestore();
  }
});

it("replaces a connection after a while, however busy, and with it what it had prepared", async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  await connect();
  const backend = async () => {
    const [row] = await db.query<{ pid: number }>(raw("select pg_backend_pid() as pid"));
    return row!.pid;
  };
  const pid = await backend();
  await times(3, "before", "read");
  expect(await prepared()).toHaveLength(1);
  const pids = new Set<number>();
  // Often enough that the pool never finds it idle.
  for (let passed = 0; passed < 1.5 * CONNECTION_LASTS_MS; passed += 5_000) {
    if (passed === CONNECTION_LASTS_MS - 5_000) expect([...pids]).toEqual([pid]);
    pids.add(await backend());
    jest.advanceTimersByTime(5_000);
  }
  expect(pids.size).toBe(2);
  expect(await prepared()).toEqual([]);
});
