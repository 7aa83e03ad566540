import { raw, sql } from "../../src/database/sql";
import { Account } from "../../src/entities/Account";
import { createAccount } from "../../src/operations/accounts/createAccount";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { disableMember } from "../../src/operations/members/disableMember";
import { signOut } from "../../src/operations/sessions/signOut";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aSession,
  asUser,
  aUser,
  eventsOf,
  READER,
  refusalsIn,
  withToken,
} from "../support/factories";
import { afterQuietMinute, everything } from "../support/refusals";

beforeAll(useDatabase);

async function anAccountWithEvents() {
  const account = await createAccount(await asUser(await aUser()), "Acme");
  expect(await eventsOf(account)).toHaveLength(2);
  return account;
}

describe("E3: events are append-only", () => {
  const rewritings = [
    ["update events set type = 'x.v1'", /append-only|permission denied/],
    ["delete from events", /append-only|permission denied/],
    ["truncate events", /append-only|permission denied/],
  ] as const;

  it.each(rewritings)("E3: for the tables' owner: %s", async (text, refusal) => {
    const account = await anAccountWithEvents();
    await expect(sqlAsOwner(text)).rejects.toThrow(refusal);
    expect(await eventsOf(account)).toHaveLength(2);
  });

  it("E3: in each partition by itself, for the owner too", async () => {
    const account = await anAccountWithEvents();
    const month = new Date().toISOString().slice(0, 7).replace("-", "_");
    await expect(sqlAsOwner(`delete from events_${month}`)).rejects.toThrow("append-only");
    await expect(sqlAsOwner(`update events_${month} set ip = null`)).rejects.toThrow("append-only");
    expect(await eventsOf(account)).toHaveLength(2);
  });

  it.each([
    "update events set type = 'x.v1'",
    "delete from events",
    "truncate events",
    "update user_events set type = 'x.v1'",
    "delete from user_events",
    "create table mine (id int)",
    "alter table events disable trigger all",
    "drop table refusals",
  ])("E3: for the role that serves requests: %s", async (text) => {
    const account = await anAccountWithEvents();
    const statement = Object.assign(sql``, { texts: [text] });
    await expect(db.query(statement)).rejects.toThrow(/permission denied|must be owner/);
    expect(await eventsOf(account)).toHaveLength(2);
  });
});

describe.each(["events", "user_events"])("E3: the partitions of %s", (stream) => {
  /** So that there is something to take away. */
  beforeAll(async () => {
    const { id } = await anAccountWithEvents();
    const [row] = await sqlAsOwner<{ user_id: string }>(
      "select user_id from memberships where account_id = $1",
      [id],
    );
    await signOut(await withToken((await aSession(row!.user_id)).token));
  });

  it("E3: take no update, delete or truncate from the role that serves requests", async () => {
    const partitions = await sqlAsOwner<{ name: string }>(
      "select relid::text as name from pg_partition_tree($1)",
      [stream],
    );
    expect(partitions.length).toBeGreaterThan(12);
    const before = await everything();
    for (const { name } of partitions) {
      for (const text of [
        `update ${name} set ip = null`,
        `delete from ${name}`,
        `truncate ${name}`,
      ]) {
        await expect(db.query(raw(text))).rejects.toThrow("permission denied");
      }
    }
    expect(await everything()).toEqual(before);
  });

  it("E3: are not emptied by the tables' owner either", async () => {
    const [{ name } = { name: "" }] = await sqlAsOwner<{ name: string }>(
      `select tableoid::regclass::text as name from ${stream} limit 1`,
    );
    const before = await everything();
    for (const text of [
      `truncate ${stream}`,
      `delete from ${name}`,
      "truncate accounts, users cascade",
      `truncate ${name}`,
    ]) {
      await expect(sqlAsOwner(text)).rejects.toThrow("append-only");
      expect(await everything()).toEqual(before);
    }
  });
});

describe("the role that serves requests", () => {
  it.each([
    "create schema mine",
    "create function mine() returns int language sql as 'select 1'",
    "create view mine as select * from users",
    "alter table events add column mine int",
    "alter table user_events disable trigger all",
    "drop trigger append_only on events",
    "drop table events_default",
    "alter table events detach partition events_default",
    "create index on users (name)",
    "set session_replication_role = replica",
    "delete from users",
    "delete from memberships",
    "delete from accounts",
    "select * from migrations",
  ])("has no right to %p", async (text) => {
    await expect(db.query(raw(text))).rejects.toMatchObject({ code: "42501" });
  });

  it("owns nothing, and is nobody else", async () => {
    const [role] = await sqlAsOwner(`
      select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
        (select count(*)::int from pg_class where relowner = r.oid) as owned,
        (select count(*)::int from pg_auth_members where member = r.oid) as memberships
      from pg_roles r where rolname = 'gatehouse_app'`);
    expect(role).toEqual({
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
      owned: 0,
      memberships: 0,
    });
    expect(await db.query(raw("select current_user as name"))).toEqual([{ name: "gatehouse_app" }]);
  });
});

describe("E1: no change without its event, no event without its change", () => {
  async function anAdministrator() {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    return { account, access: await (await as(admin)).in(account.id) };
  }
  const nameOf = async ({ id }: { id: string }) =>
    (await sqlAsOwner<{ name: string }>("select name from accounts where id = $1", [id]))[0]!.name;

  it("E1: a write that nobody recorded does not commit", async () => {
    const { account, access } = await anAdministrator();
    const silent = access.transaction(async (tx) => {
      const row = await tx.lock(Account, account.id);
      tx.authorize("update", row);
      row.name = "Silent";
      await tx.save(row);
    });
    await expect(silent).rejects.toThrow("Saved without recording");
    expect(await nameOf(account)).toBe("Acme");
    expect(await eventsOf(account)).toEqual([]);
  });

  it("E1: a row that nobody authorized is not saved", async () => {
    const { account, access } = await anAdministrator();
    const bold = access.transaction(async (tx) => {
      const row = await tx.lock(Account, account.id);
      row.name = "Bold";
      await tx.save(row);
    });
    await expect(bold).rejects.toThrow("Saved without authorizing");
    expect(await nameOf(account)).toBe("Acme");
  });

  it("E1: an event whose operation fails afterwards is not there", async () => {
    const { account, access } = await anAdministrator();
    const failing = access.transaction(async (tx) => {
      const row = await tx.lock(Account, account.id);
      tx.authorize("update", row);
      row.name = "Failing";
      await tx.save(row);
      await tx.record("account_updated.v1", row);
      throw new Error("after all");
    });
    await expect(failing).rejects.toThrow("after all");
    expect(await nameOf(account)).toBe("Acme");
    expect(await eventsOf(account)).toEqual([]);
  });

  it("E1: refusals of one kind by one principal are one event a minute, with a count", async () => {
    const account = await anAccount();
    const reader = await aMember(account, READER);
    const other = await aMember(account, READER);
    const refuse = async () =>
      expect(disableMember(await as(reader), other.id)).rejects.toMatchObject({
        code: "FORBIDDEN",
      });

    await Promise.all(Array.from({ length: 5 }, refuse));
    expect(await refusalsIn(account)).toMatchObject([{ decision: { count: 1 } }]);

    await afterQuietMinute();
    // The four that the minute swallowed, without another.
    expect(await refusalsIn(account)).toMatchObject([
      { decision: { count: 1 } },
      { decision: { count: 4, since: expect.any(String) as string } },
    ]);
    await afterQuietMinute();

    await expect(updateAccount(await as(reader), account.id, { name: "x" })).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    expect(await refusalsIn(account)).toHaveLength(3);
    expect(await eventsOf(account)).toEqual([]);
  });
});
