import { Context } from "../../src/context/context";
import { tellAllRefusals, tellRefusals } from "../../src/context/refusals";
import { Database } from "../../src/database/database";
import { openDataSource } from "../../src/database/dataSource";
import type { Membership } from "../../src/entities/Membership";
import { Forbidden } from "../../src/errors";
import { disableMember } from "../../src/operations/members/disableMember";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { db, sqlAsOwner, statements, url, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  aSession,
  as,
  base,
  READER,
  refusalsIn,
  REQUEST,
} from "../support/factories";
import { serve } from "../support/http";
import { heldUp, times } from "../support/races";
import { afterQuietMinute, forgetRefusals } from "../support/refusals";

beforeAll(useDatabase);

let other: Database;
beforeAll(async () => {
  other = new Database(await openDataSource({ url, as: "serve" }).initialize());
});
afterAll(() => other.close());
beforeEach(forgetRefusals);

async function someone() {
  const account = await anAccount();
  const reader = await aMember(account, READER);
  const target = await aMember(account, READER);
  const ctx = await as(reader);
  /** Is refused to disable a member, by an address and through a server. */
  const refuse = async (member: Membership = target, ip = REQUEST.ip, at: Database = db) => {
    const request = { ...REQUEST, ip };
    const asking = new Context({ ...base(), db: at, request, caller: ctx.principal });
    await expect(disableMember(asking, member.id)).rejects.toThrow(Forbidden);
  };
  return { account, reader, target, ctx, refuse };
}

/** What the events tell: how many refusals, of which member, by which address. */
const told = async (account: { id: string }) =>
  sqlAsOwner<{ object: string; ip: string; count: number; mixed: boolean }>(
    `select object_id as object, host(ip) as ip, (decision -> 'count')::int as count,
      coalesce((decision -> 'mixed')::boolean, false) as mixed
    from events where account_id = $1 and type = 'action_refused.v1' order by id`,
    [account.id],
  );
const sum = (counts: { count: number }[]) => counts.reduce((all, { count }) => all + count, 0);

it("E1: tells what was only counted once the minute is over, apart by object and by address", async () => {
  const { account, target, refuse } = await someone();
  const administrator = await aMember(account, ADMINISTRATOR);
  const another = await aMember(account, READER);

  await refuse(target, "192.0.2.1");
  for (let i = 0; i < 40; i++) await refuse(another, "198.51.100.9");
  for (let i = 0; i < 3; i++) await refuse(target, "192.0.2.1");
  for (let i = 0; i < 2; i++) await refuse(administrator, "198.51.100.9");
  await tellRefusals(db);
  // An administrator is refused for another reason, which is a kind of its own.
  expect(await told(account)).toEqual([
    { object: target.id, ip: "192.0.2.1", count: 1, mixed: false },
    { object: administrator.id, ip: "198.51.100.9", count: 1, mixed: false },
  ]);

  await afterQuietMinute();

  expect((await told(account)).slice(2)).toEqual([
    { object: another.id, ip: "198.51.100.9", count: 40, mixed: false },
    { object: target.id, ip: "192.0.2.1", count: 3, mixed: false },
    { object: administrator.id, ip: "198.51.100.9", count: 1, mixed: false },
  ]);
  await afterQuietMinute();
  expect(await told(account)).toHaveLength(5);
});

it("E1: says when the first was of those that an event stands for", async () => {
  const { account, refuse } = await someone();
  await refuse();
  const before = new Date();
  await refuse();
  const after = new Date();
  await refuse();

  await afterQuietMinute();

  const [, { decision }] = (await refusalsIn(account)) as unknown as [
    unknown,
    { decision: { since: string } },
  ];
  expect(new Date(decision.since).getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(new Date(decision.since).getTime()).toBeLessThanOrEqual(after.getTime());
});

it("E1: tells 20 objects and addresses of a kind apart in a minute, and the others together", async () => {
  const { account, target, refuse } = await someone();
  await refuse(target, "192.0.2.1");
  for (let i = 0; i < 25; i++) await refuse(target, `198.51.100.${i}`);
  await refuse(target, "198.51.100.0");

  await afterQuietMinute();

  const later = (await told(account)).slice(1);
  expect(later.map(({ count, mixed }) => [count, mixed])).toEqual([
    [2, false],
    ...times(19, () => [1, false]),
    [5, true],
  ]);
});

it("E1: costs no connection within the minute", async () => {
  const { account, ctx, refuse } = await someone();
  await refuse();
  statements.length = 0;

  for (let i = 0; i < 5; i++) await refuse();

  expect(statements.filter((text) => text.includes("refusals"))).toEqual([]);
  // Another kind is told at once.
  await expect(updateAccount(ctx, account.id, { name: "x" })).rejects.toMatchObject({
    code: "FORBIDDEN",
  });
  expect(statements.filter((text) => text.includes("refusals"))).toHaveLength(1);
  expect(await told(account)).toHaveLength(2);
});

it("E1: loses none on two servers, which together tell a kind once a minute", async () => {
  const { account, target, refuse } = await someone();
  await Promise.all(
    times(20, (i) => () => refuse(target, REQUEST.ip, i % 2 ? db : other)).map((act) => act()),
  );
  expect(await told(account)).toHaveLength(1);

  const tellBoth = () => Promise.all(times(6, (i) => tellRefusals(i % 2 ? db : other)));
  for (let minute = 2; minute <= 3; minute++) {
    await sqlAsOwner("update refusals set recorded_at = recorded_at - interval '61 s'");
    await tellBoth();
    expect(await told(account)).toHaveLength(minute);
  }

  expect(sum(await told(account))).toBe(20);
});

it("E1: several servers that tell many kinds at once do not block each other", async () => {
  const people = await Promise.all(times(8, someone));
  for (const { refuse, target } of people) {
    for (let i = 0; i < 4; i++) await refuse(target, REQUEST.ip, i % 2 ? db : other);
  }

  for (let minute = 0; minute < 2; minute++) {
    await sqlAsOwner("update refusals set recorded_at = recorded_at - interval '61 s'");
    await Promise.all([db, other, db, other].map(tellRefusals));
  }

  for (const { account } of people) expect(sum(await told(account))).toBe(4);
});

it("E1: keeps what could not be told while the database was away", async () => {
  const { account, refuse } = await someone();
  for (let i = 0; i < 3; i++) await refuse();

  const outcome = await heldUp(
    () => sqlAsOwner("update refusals set recorded_at = recorded_at - interval '61 s'"),
    () => tellRefusals(db),
    () =>
      sqlAsOwner(`select pg_terminate_backend(pid) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`),
  );
  expect(outcome).toMatchObject({ reason: { code: "SERVICE_UNAVAILABLE" } });
  expect(await told(account)).toHaveLength(1);
  await refuse();
  await tellRefusals(db);

  expect((await told(account)).map(({ count }) => count)).toEqual([1, 3]);
});

it("E1: a server that stops tells first what it has counted", async () => {
  const { account, reader, target } = await someone();
  const server = await serve({ database: other });
  const { token } = await aSession(reader.userId);
  const disable = `mutation { disableMember(input: { memberId: "${target.id}" }) { userErrors { code } } }`;
  for (let i = 0; i < 3; i++) {
    expect((await server.ask(disable, {}, { token })).codes).toEqual(["FORBIDDEN"]);
  }
  expect((await told(account)).map(({ count }) => count)).toEqual([1]);

  await server.close();

  expect((await told(account)).map(({ count }) => count)).toEqual([1, 2]);
  await tellAllRefusals(other);
  expect(await told(account)).toHaveLength(2);
});
