import { setTimeout as sleep } from "node:timers/promises";
import { PassThrough, Readable } from "node:stream";
import { run as runCommand } from "../../src/cli";
import { pages, table } from "../../src/commands/listing";
import { Terminal } from "../../src/commands/terminal";
import { Context } from "../../src/context/context";
import { TRUE } from "../../src/database/sql";
import { Account } from "../../src/entities/Account";
import { Event } from "../../src/entities/Event";
import { User } from "../../src/entities/User";
import { newId } from "../../src/ids";
import { createAccount } from "../../src/operations/accounts/createAccount";
import { deleteAccount } from "../../src/operations/accounts/deleteAccount";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { endUserSessions } from "../../src/operations/sessions/endUserSessions";
import { system } from "../../src/principal";
import { db, sqlAsOwner, url, useDatabase } from "../support/database";
import { aSession, asOperator, asUser, aUser, base } from "../support/factories";
import { run } from "../support/programs";
import { everything } from "../support/refusals";

beforeAll(useDatabase);

type Row = Record<string, unknown>;
const rowsIn = (out: string) =>
  out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);

/** What a listing prints, as rows; it succeeds, says nothing else, and changes nothing. */
async function listed(args: string[]): Promise<Row[]> {
  const before = await everything();
  const { code, out, err } = await run(args);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(await everything()).toEqual(before);
  return rowsIn(out);
}

const refused = async (args: string[], said: string | RegExp) => {
  const { code, out, err } = await run(args);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(said);
};

describe("users", () => {
  it("finds them by email, by a part of their name or email, and by ID, the latest first", async () => {
    const ada = await aUser({ email: "ada@engines.example", name: "Ada Lovelace" });
    const eve = await aUser({ email: "eve_100%@engines.example", name: "Eve" });

    expect(await listed(["users", "--email", " ADA@engines.example"])).toMatchObject([
      { id: ada.id },
    ]);
    expect(await listed(["users", "--id", ada.id])).toMatchObject([{ id: ada.id }]);
    expect(await listed(["users", "--text", "LOVEL"])).toMatchObject([{ id: ada.id }]);
    const both = await listed(["users", "--text", "@engines."]);
    expect(both.map(({ id }) => id)).toEqual([eve.id, ada.id]);
    expect(await listed(["users", "--text", "@engines.", "--limit", "1"])).toHaveLength(1);
    expect(await listed(["users", "--text", "100%@"])).toMatchObject([{ id: eve.id }]);
    expect(await listed(["users", "--text", "e_e"])).toEqual([]);
    expect(await listed(["users", "--email", "nobody@engines.example"])).toEqual([]);
    expect(await listed(["users", "--id", newId("User")])).toEqual([]);
  });

  it("shows no secret", async () => {
    const user = await aUser({ passwordHash: "hush" });
    const { out } = await run(["users", "--id", user.id]);
    expect(out).not.toMatch("hush");
    const [row] = rowsIn(out);
    const { secrets } = db.table(User);
    expect(secrets).toContain("passwordHash");
    expect(Object.keys(row!).filter((key) => secrets.includes(key))).toEqual([]);
  });

  it("refuses what can't be meant", async () => {
    await refused(["users", "--email", "ada"], /^--email: /);
    await refused(["users", "--id", newId("Account")], "--id takes an ID, such as usr_");
    await refused(["users", "--limit", "0"], "--limit takes a whole number from 1");
    await refused(["users", "--limit", "many"], "--limit takes");
  });
});

describe("accounts", () => {
  it("M10: finds them by a part of their name and by ID, deleted ones too", async () => {
    const owner = await asUser(await aUser({ emailVerifiedAt: new Date() }));
    const open = await createAccount(owner, "Tunnels of Utrecht");
    const closed = await createAccount(owner, "Tunnels of Delft");
    await deleteAccount(owner, closed.id, closed.name);

    const found = await listed(["accounts", "--name", "tunnels OF"]);
    expect(found).toMatchObject([
      { id: closed.id, name: "Tunnels of Delft", deletedAt: expect.any(String) as string },
      { id: open.id, name: "Tunnels of Utrecht", deletedAt: null },
    ]);
    expect(await listed(["accounts", "--id", closed.id])).toMatchObject([{ id: closed.id }]);
    expect(await listed(["accounts", "--name", "tunnels of", "--limit", "1"])).toHaveLength(1);
    expect(await listed(["accounts", "--name", "Rotterdam"])).toEqual([]);
  });
});

describe("events", () => {
  it("M10: prints those of a deleted account, the latest first", async () => {
    const user = await aUser({ emailVerifiedAt: new Date() });
    const owner = await asUser(user);
    const { id } = await createAccount(owner, "Closed Ltd");
    await updateAccount(owner, id, { name: "Closing Ltd" });
    await deleteAccount(owner, id, "Closing Ltd");

    const found = await listed(["events", "--account", id]);

    expect(found.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["account_deleted.v1", "account_updated.v1", "account_created.v1"]),
    );
    const ids = found.map((event) => event["id"] as string);
    expect(ids).toEqual(ids.toSorted().reverse());
    expect(found[0]).toMatchObject({
      type: "account_deleted.v1",
      accountId: id,
      principal: { id: user.id, kind: "USER", subject: user.email },
      objectId: id,
    });
    const types = async (...args: string[]) =>
      (await listed(["events", "--account", id, ...args])).map(({ type }) => type);
    expect(await types("--type", "account_updated.v1")).toEqual(["account_updated.v1"]);
    expect(await types("--type", "account_updated.v1,account_created.v1")).toEqual([
      "account_updated.v1",
      "account_created.v1",
    ]);
    expect(await types("--limit", "1")).toEqual(["account_deleted.v1"]);
    expect(await types("--principal", newId("User"))).toEqual([]);
    expect(await types("--principal", "operator")).toEqual([]);
    expect(await types("--principal", user.id)).toHaveLength(found.length);
    expect(await types("--object", newId("Membership"))).toEqual([]);
    const { ip } = found[0]!;
    expect(await types("--ip", `${String(ip)}/24`)).toHaveLength(found.length);
    expect(await types("--ip", "2001:db8::/64")).toEqual([]);
    expect(await types("--since", "1h")).toHaveLength(found.length);
    expect(await types("--until", "1h")).toEqual([]);
    expect(await types("--since", "2999-01-01")).toEqual([]);
  });

  it("E5: prints a user's own, who is named by ID or email", async () => {
    const user = await aUser();
    await aSession(user.id);
    await endUserSessions(asOperator(), { email: user.email, reason: "Stolen" });

    const ended = { type: "session_ended.v1", userId: user.id, principal: { id: "operator" } };
    expect(await listed(["events", "--user", user.id])).toMatchObject([ended]);
    expect(await listed(["events", "--user", user.email])).toMatchObject([ended]);
  });

  it.each([
    [[], "Give either --account or --user"],
    [["--account", newId("Account"), "--user", newId("User")], "Give either --account or --user"],
    [["--account", newId("User")], "--account takes an ID, such as ac_"],
    [["--user", newId("Account")], "--user takes an ID, such as usr_"],
    [["--user", "nobody@example.com"], "--user: no user has the email nobody@example.com."],
    [["--user", newId("User"), "--ip", "10.0.0.0/33"], "--ip takes an address or a range"],
    [["--user", newId("User"), "--since", "yesterday"], "--since takes a moment"],
    [["--user", newId("User"), "--until", "2026-02-30"], "--until takes a moment"],
    [["--user", newId("User"), "--type", "signed_in"], "--type takes types"],
    [["--user", newId("User"), "--object", "x"], "--object takes an ID"],
    [["--user", newId("User"), "--follow", "--until", "1h"], "give no --until"],
  ])("refuses %j", async (args, said) => {
    await refused(["events", ...args], said);
  });

  it("E4: prints them as they happen, until it is interrupted", async () => {
    const owner = await asUser(await aUser({ emailVerifiedAt: new Date() }));
    const { id } = await createAccount(owner, "Before");
    const stop = new AbortController();
    const stdout = new PassThrough();
    const followed = runCommand(
      ["events", "--account", id, "--follow"],
      new Terminal({
        env: { DATABASE_URL: url, GATEHOUSE_ENCRYPTION_KEYS: `a:${"A".repeat(43)}=` },
        stdin: Readable.from([]),
        stdout,
        stderr: new PassThrough(),
        interrupted: stop.signal,
      }),
    );
    // It begins once it is connected: until then, what happens may be from before.
    let said = "";
    stdout.on("data", (part: Buffer) => (said += part.toString()));
    for (let i = 0; !said; i++) {
      await updateAccount(owner, id, { name: `After ${i}` });
      await sleep(100);
    }
    await updateAccount(owner, id, { name: "At last" });
    while (!said.includes("At last")) await sleep(20);
    stop.abort("SIGINT");

    expect(await followed).toBe(130);
    const found = rowsIn(said);
    // It began with now: what made the account is not among them.
    expect(found.map(({ type }) => type)).not.toContain("account_created.v1");
    const ids = found.map((event) => event["id"] as string);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });

  it("E4: follows from a moment on, for so many", async () => {
    const owner = await asUser(await aUser({ emailVerifiedAt: new Date() }));
    const { id } = await createAccount(owner, "Followed");
    const found = await listed([
      "events",
      "--account",
      id,
      "--follow",
      "--since",
      "1h",
      "--limit",
      "1",
    ]);
    expect(found).toMatchObject([{ accountId: id }]);
  });
});

describe("a listing", () => {
  it("reads a page at a time, each row once, as far as the rules let it", async () => {
    const users = await sqlAsOwner<{ id: string }>("select id from users order by id desc");
    const found: string[] = [];
    let read = 0;
    db.observe = () => read++;
    for await (const page of pages(asOperator(), User, { where: TRUE })) {
      found.push(...page.map(({ id }) => id));
    }
    expect(found).toEqual(users.map(({ id }) => id));
    expect(read).toBe(1);

    for (const entity of [Event, Account, User]) {
      for await (const page of pages<{ id: string }>(
        new Context({ ...base(), caller: system("job") }),
        entity,
        { where: TRUE },
      )) {
        expect(page).toEqual([]);
      }
    }
  });

  it("goes over many pages, and stops where no reader is left", async () => {
    await sqlAsOwner(`
      insert into users (id, email, name, created_at)
      select 'usr_' || lpad(n::text, 26, '0'), n || '@many.example', 'Many', now()
      from generate_series(1, 1200) n`);
    const all = await listed(["users", "--text", "@many.example"]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1200);
    expect(await listed(["users", "--text", "@many.example", "--limit", "501"])).toHaveLength(501);

    const gone = new PassThrough();
    gone.on("error", () => undefined);
    gone.destroy();
    let read = 0;
    async function* pieces() {
      for (; ; read++) yield await Promise.resolve("a line\n");
    }
    const streams = { env: {}, stdin: Readable.from([]), stderr: new PassThrough() };
    const interrupted = new AbortController().signal;
    await new Terminal({ ...streams, stdout: gone, interrupted }).print(pieces());
    expect(read).toBe(0);
  });

  it("is a table for people, and NDJSON with --json", async () => {
    const user = await aUser({ name: "Ann", emailVerifiedAt: null });
    const { out } = await run(["users", "--id", user.id], { isTTY: true });
    const [head, line, ...more] = out.split("\n");
    expect(head).toMatch(/^ID +EMAIL +NAME +CREATED +VERIFIED +TWO-FACTOR$/);
    expect(line!.split(/ {2,}/)).toEqual([
      ...[user.id, user.email, "Ann", user.createdAt.toISOString(), "-", "-"],
    ]);
    expect(head!.indexOf("EMAIL")).toBe(line!.indexOf(user.email));
    expect(more).toEqual([""]);
    const json = await run(["users", "--id", user.id, "--json"], { isTTY: true });
    expect(rowsIn(json.out)).toMatchObject([{ id: user.id }]);
  });

  it("lets no text of others steer the terminal", () => {
    const write = table<string>({ name: (text) => text });
    expect(write(["a\u001b[2Jb", "c\nd", "e\u009bf", "g\u202eh", "Zoë 🦊"])).toBe(
      "NAME\na\ufffd[2Jb\nc\ufffdd\ne\ufffdf\ng\ufffdh\nZoë 🦊\n",
    );
  });
});
