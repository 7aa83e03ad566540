import { Database } from "../../src/database/database";
import { openDataSource } from "../../src/database/dataSource";
import { raw, sql } from "../../src/database/sql";
import { Unavailable } from "../../src/errors";
import { sqlAsOwner, url, useDatabase } from "../support/database";

beforeAll(useDatabase);

/** With one connection, so that each statement finds what the one before it left. */
let db: Database;
beforeEach(async () => {
  db = new Database(await openDataSource({ url, as: "serve", poolSize: 1 }).initialize());
});
afterEach(() => db.close());

it("gives the text of the row, and null for no row or a null, prepared or not", async () => {
  // The third is under a name, and the fourth finds it prepared.
  for (let i = 0; i < 4; i++) {
    const values = [`“${i}”`, i, true, new Date(0), Buffer.from([i]), ["a", "{b,"], null];
    const [text, number, truth, moment, bytes, list, none] = values;
    expect(
      await db.readText(sql`select concat_ws(' ', ${text}::text, ${number}::int, ${truth}::boolean,
        ${moment}::timestamptz, ${bytes}::bytea, ${list}::text[], ${none}::text)`),
    ).toBe(`“${i}” ${i} t 1970-01-01 00:00:00+00 \\x0${i} {a,"{b,"}`);
    expect(await db.readText(sql`select ${"text"}::text where ${i} < 0`)).toBeNull();
    expect(await db.readText(raw("select null"))).toBeNull();
  }
});

it("fails as PostgreSQL says, prepared or not, and the next is answered", async () => {
  for (let i = 0; i < 4; i++) {
    await expect(db.readText(raw("select nothing"))).rejects.toMatchObject({ code: "42703" });
    await expect(db.readText(sql`select 1 / ${0}::int`)).rejects.toMatchObject({ code: "22012" });
    expect(await db.readText(sql`select ${"next"}::text`)).toBe("next");
  }
});

it("gives each of many at once its own text", async () => {
  const asked = Array.from({ length: 50 }, (_, i) => `number ${i}`);
  const given = await Promise.all(asked.map((text) => db.readText(sql`select ${text}::text`)));
  expect(given).toEqual(asked);
});

it("finds the database away where its connection is ended meanwhile, and connects again", async () => {
  const pid = await db.readText(raw("select pg_backend_pid()::text"));
  const waiting = expect(db.readText(raw("select pg_sleep(9)::text"))).rejects.toBeInstanceOf(
    Unavailable,
  );
  await sqlAsOwner("select pg_terminate_backend($1)", [pid]);
  await waiting;
  expect(await db.readText(raw("select 'again'"))).toBe("again");
});
