import { newId } from "../../src/ids";
import { sweep } from "../../src/setup/sweep";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import { aMember, anAccount, aSession, as, aUser, withToken } from "../support/factories";
import { times } from "../support/races";

beforeAll(useDatabase);
beforeEach(async () => {
  for (const table of ["throttles", "refusals", "one_time_tokens", "social_flows", "sessions"]) {
    await sqlAsOwner(`delete from ${table}`);
  }
});

const count = async (table: string) =>
  (await sqlAsOwner<{ n: number }>(`select count(*)::int as n from ${table}`))[0]!.n;

/** Puts rows there, each of an age in days. */
const PUT: Record<string, (days: number) => Promise<unknown>> = {
  one_time_tokens: (days) =>
    sqlAsOwner(
      `insert into one_time_tokens
        (id, purpose, email, name, password_hash, expires_at, created_at)
      select $1, 'SIGN_UP', 'ada@example.com', 'Ada', 'x', t, t
      from (select date_trunc('milliseconds', now()) - make_interval(secs => 86400 * $2::float8)) a(t)`,
      [newId("OneTimeToken"), days],
    ),
  social_flows: (days) =>
    sqlAsOwner(
      `insert into social_flows (secret_hash, provider, return_to, expires_at, created_at)
      select sha256($1::bytea), 'GITHUB', '/', t, t
      from (select date_trunc('milliseconds', now()) - make_interval(secs => 86400 * $2::float8)) a(t)`,
      [newId("Event"), days],
    ),
  throttles: (days) =>
    sqlAsOwner(
      `insert into throttles select $1, 1, 1, 1, to_timestamp(0),
        date_trunc('milliseconds', now()) - make_interval(secs => 86400 * $2::float8)`,
      [newId("Event"), days],
    ),
  refusals: (days) =>
    sqlAsOwner(
      `insert into refusals select $1, $1, 'x',
        date_trunc('milliseconds', now()) - make_interval(secs => 86400 * $2::float8)`,
      [newId("User"), days],
    ),
};

it.each([
  ["one_time_tokens", 6.9, 7.1],
  ["social_flows", 0.9, 1.1],
  ["throttles", -0.1, 0.1],
  ["refusals", 0.9, 1.1],
])("deletes rows of %s that are old enough, and no others", async (table, younger, older) => {
  await PUT[table]!(younger);
  await PUT[table]!(older);
  await PUT[table]!(older);

  expect(await sweep(db)).toBe(2);

  expect(await count(table)).toBe(1);
  expect(await sweep(db)).toBe(0);
});

/** A session that expired so many days ago. */
async function expired(userId: string, days: number): Promise<string> {
  const { id } = await aSession(userId);
  await sqlAsOwner(
    `update sessions set expires_at =
      date_trunc('milliseconds', now()) - make_interval(secs => 86400 * $2::float8) where id = $1`,
    [id, days],
  );
  return id;
}
const sessionsOf = async (userId: string) =>
  (
    await sqlAsOwner<{ id: string }>("select id from sessions where user_id = $1 order by id", [
      userId,
    ])
  ).map(({ id }) => id);

it("deletes a session 90 days after it expired, with its entries; a living one enters no account anew", async () => {
  const account = await anAccount();
  const member = await aMember(account);
  const old = await expired(member.userId, 90.1);
  const recent = await expired(member.userId, 89.9);
  const { id: living, token } = await aSession(member.userId);
  expect(await count("entries")).toBe(3);

  expect(await sweep(db)).toBe(1);

  expect(await sessionsOf(member.userId)).toEqual([recent, living]);
  expect(await sqlAsOwner("select from entries where session_id = $1", [old])).toEqual([]);
  await (await withToken(token)).in(account.id);
  const entered = "select from events where account_id = $1 and type = 'account_entered.v1'";
  expect(await sqlAsOwner(entered, [account.id])).toEqual([]);
});

it("U9: keeps the last session of a user, so that a new device is not taken for the first", async () => {
  const user = await aUser();
  const [, last] = [await expired(user.id, 400), await expired(user.id, 300)];

  expect(await sweep(db)).toBe(1);

  expect(await sessionsOf(user.id)).toEqual([last]);
  expect(await sweep(db)).toBe(0);
});

it("goes on in batches past rows that stay", async () => {
  // 1,100 users with one old session each, which stay, and behind them a user with two.
  await sqlAsOwner(`
    with ids as (select n, lpad(n::text, 26, '0') as id from generate_series(1, 1100) n),
    people as (
      insert into users (id, email, name, created_at)
      select 'usr_' || id, 'sweep' || n || '@example.com', 'Ada', date_trunc('milliseconds', now())
      from ids returning id)
    insert into sessions
      (id, user_id, token_hash, methods, authenticated_at, last_used_at, expires_at, created_at)
    select 'ses_' || id, 'usr_' || id, sha256(id::bytea), '{PASSWORD}', t, t, t, t
    from ids, (select date_trunc('milliseconds', now()) - interval '400 days') a(t)`);
  const user = await aUser();
  const [, last] = [await expired(user.id, 300), await expired(user.id, 200)];

  expect(await sweep(db)).toBe(1);

  expect(await sessionsOf(user.id)).toEqual([last]);
  expect(await count("sessions")).toBe(1101);
});

it("deletes more than one batch, by several servers at once", async () => {
  await sqlAsOwner(`
    insert into throttles select 'sweep ' || n, 1, 1, 1, to_timestamp(0),
      date_trunc('milliseconds', now()) - interval '1 minute' from generate_series(1, 5500) n`);
  const user = await aUser();
  for (let i = 0; i < 20; i++) await expired(user.id, 300);

  const deleted = await Promise.all(times(4, () => sweep(db)));

  // What one holds, the others leave: whoever is last takes the rest.
  const rest = await sweep(db);
  expect(deleted.reduce((sum, n) => sum + n, rest)).toBe(5500 + 19);
  expect(await count("throttles")).toBe(0);
  expect(await sessionsOf(user.id)).toHaveLength(1);
});

it("leaves what a request of a living session reaches", async () => {
  const member = await aMember(await anAccount());
  const ctx = await as(member);

  expect(await sweep(db)).toBe(0);

  await expect(ctx.in(member.accountId)).resolves.toBeDefined();
});
