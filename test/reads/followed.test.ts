import { Unavailable } from "../../src/errors";
import { newId } from "../../src/ids";
import { followed } from "../../src/reads/followed";

const away = new Unavailable(new Error("ECONNREFUSED"));

it("E4: gives each event once although the database goes away, and says once each time that it does", async () => {
  const there = [{ id: newId("Event") }, { id: newId("Event") }];
  const leaving = new AbortController();
  const said: string[] = [];
  let reads = 0;
  async function* read(after: string) {
    reads++;
    const fresh = there.filter(({ id }) => id > after);
    if (fresh[0]) yield await Promise.resolve([fresh[0]]);
    if (reads < 3 || reads === 4) throw away;
    yield fresh.slice(1);
    there.push({ id: newId("Event") });
  }
  const given: string[] = [];
  const signal = leaving.signal;
  const onAway = () => said.push(`read ${reads}`);
  for await (const page of followed(read, { after: "", signal, onAway })) {
    given.push(...page.map(({ id }) => id));
    if (given.length === 3) leaving.abort();
  }
  expect(given).toEqual(there.slice(0, 3).map(({ id }) => id));
  expect(said).toEqual(["read 1", "read 4"]);
});

it("E4: ends with whatever else goes wrong", async () => {
  // eslint-disable-next-line require-yield
  async function* read(): AsyncGenerator<{ id: string }[]> {
    await Promise.reject(new Error("a bug"));
  }
  const { signal } = new AbortController();
  await expect(followed(read, { after: "", signal }).next()).rejects.toThrow("a bug");
});
