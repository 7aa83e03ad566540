import { types } from "pg";
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

it("fails where a value can't be read, and the process and the connection go on", async () => {
  types.setTypeParser(types.builtins.CIDR, () => {
    throw new TypeError("no parser reads it");
  });
  const unreadable = raw("select '10.0.0.0/8'::cidr as range from generate_series(1, 2)");
  await expect(db.query(unreadable)).rejects.toThrow("no parser reads it");
  await expect(
    db.transaction((connection) => connection.together([unreadable, raw("select 1 as n")])),
  ).rejects.toThrow("no parser reads it");
  expect(await db.query(raw("select 'next' as text"))).toEqual([{ text: "next" }]);
});

describe("a transaction", () => {
  const many = raw("select n::text from generate_series(1, 3) n");

  it("answers statements that are sent together in their order, each on what those before it did", async () => {
    for (let i = 0; i < 4; i++) {
      const given = await db.transaction(async (connection) => {
        const plant = sql`insert into refusals (stream_id, principal_id, what, recorded_at)
          values (${`s${i}`}, 'p', 'w', now())`;
        const count = raw("select count(*)::int as n from refusals where principal_id = 'p'");
        return connection.together([count, plant, many, count]);
      });
      expect(given).toEqual([[{ n: i }], [], [{ n: "1" }, { n: "2" }, { n: "3" }], [{ n: i + 1 }]]);
    }
    await sqlAsOwner("delete from refusals where principal_id = 'p'");
  });

  it("keeps nothing where one of them fails, and the connection and its names go on", async () => {
    for (let i = 0; i < 5; i++) {
      const plant = sql`insert into refusals (stream_id, principal_id, what, recorded_at)
        values ('s', 'q', ${`w${i}`}, now())`;
      const failed = db.transaction((connection) =>
        connection.together([plant, sql`select 1 / ${0}::int as n`, many]),
      );
      await expect(failed).rejects.toMatchObject({ code: "22012" });
      expect(await db.transaction((connection) => connection.query(many))).toHaveLength(3);
      expect(await db.query(raw("select from refusals where principal_id = 'q'"))).toEqual([]);
    }
  });

  it("is not taken for committed where a statement in it failed unnoticed", async () => {
    const plant = raw(`insert into refusals (stream_id, principal_id, what, recorded_at)
      values ('s', 'r', 'w', now())`);
    const swallowed = db.transaction(async (connection) => {
      await connection.query(plant);
      await connection.query(raw("select 1 / 0")).catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow("The transaction ended with ROLLBACK");
    expect(await db.query(raw("select from refusals where principal_id = 'r'"))).toEqual([]);
    const last = db.transaction(async (connection) => {
      await connection.query(plant);
      await connection.last(raw("select 1 / 0"));
    });
    await expect(last).rejects.toMatchObject({ code: "22012" });
    expect(await db.query(raw("select from refusals where principal_id = 'r'"))).toEqual([]);
  });

  it("sends nothing of a flight with a value that can't be sent", async () => {
    const circle: { self?: object } = {};
    circle.self = circle;
    const failed = db.transaction((connection) =>
      connection.together([many, sql`select ${circle}::jsonb`]),
    );
    await expect(failed).rejects.toThrow(TypeError);
    expect(await db.transaction((connection) => connection.query(many))).toHaveLength(3);
  });
});
