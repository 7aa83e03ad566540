import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { startEmbedded } from "../src/database/embedded/embedded";
import { signIn } from "../src/operations/sessions/signIn";
import { sqlAsOwner, url, useDatabase } from "./support/database";
import {
  aMember,
  anAccount,
  anAuthenticator,
  asNobody,
  aSession,
  aUser,
  ENCRYPTION_KEYS,
  eventsOf,
  signedIn,
  userEventsOf,
} from "./support/factories";
import { withDatabase } from "./support/globalSetup";
import { directory, type Ended, run } from "./support/programs";
import { everything } from "./support/refusals";

jest.setTimeout(60_000);
beforeAll(useDatabase);

const OPERATOR = `operator ${userInfo().username}@${hostname()}`;
const NEW_KEY = `new:${Buffer.alloc(32, 9).toString("base64")}`;

/** Expects it to say so, and nothing to have been changed. */
async function expectRefusal(args: string[], code: number, said: string | RegExp, options = {}) {
  const before = await everything();
  const ended = await run(args, options);
  expect(ended.err).toMatch(said);
  expect(ended).toMatchObject({ code, out: "" });
  expect(ended.err).not.toMatch(/^ {4}at /m);
  expect(await everything()).toEqual(before);
}

const COMMANDS = [
  "accounts",
  "check",
  "create-administrator",
  "end-sessions",
  "events",
  "migrate",
  "policy",
  "reset-mfa",
  "rotate-keys",
  "schema",
  "users",
];

describe("usage", () => {
  it("has a line for each command, asked for or not", async () => {
    const asked = await run(["--help"]);
    expect(asked).toMatchObject({ code: 0, err: "" });
    const lines = asked.out.split("\n").filter((line) => line.startsWith("  "));
    expect(lines.map((line) => line.trim().split(" ")[0])).toEqual(COMMANDS);

    expect(await run([])).toEqual({ code: 2, out: "", err: asked.out });
    expect(await run(["help"])).toEqual(asked);
    expect(await run(["-h"])).toEqual(asked);
  });

  it("of one command has its options", async () => {
    const { code, out } = await run(["reset-mfa", "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch("reset-mfa --email EMAIL --reason TEXT\n");
    expect(await run(["help", "reset-mfa"])).toMatchObject({ code: 0, out });
  });

  it("says which version this is", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    const said = { code: 0, out: `gatehouse ${version}\n`, err: "" };
    expect(await run(["--version"])).toEqual(said);
  });

  it.each([
    [["reset"], 'There is no command "reset".'],
    [["reset", "--help"], 'There is no command "reset".'],
    [["help", "reset"], 'There is no command "reset".'],
    [["--verbose"], 'There is no command "--verbose".'],
    [["constructor"], 'There is no command "constructor".'],
    [["reset-mfa"], "Give the options that are missing: --email, --reason."],
    [["reset-mfa", "--email", "a@example.com"], "Give the options that are missing: --reason."],
    [["reset-mfa", "--email", "--reason", "x"], "Option '--email' argument is ambiguous."],
    [["end-sessions", "--mail", "a@example.com"], "Unknown option '--mail'"],
    [["end-sessions", "--email", "a", "--email", "b"], "--email is given twice. Give it once."],
    [["users", "--json", "--json"], "--json is given twice."],
    [["rotate-keys", "now"], "Unexpected argument 'now'."],
    [["create-administrator", "--password-stdin=x"], "does not take an argument"],
  ])("refuses %j, which changes nothing", async (args, said) => {
    await expectRefusal(args, 2, said);
  });
});

describe("reset-mfa", () => {
  it("T6, E2: resets, and tells who did it in every event", async () => {
    const account = await anAccount();
    const user = await aUser();
    await aMember(account, {}, { userId: user.id });
    await anAuthenticator(user.id);

    const ended = await run(["reset-mfa", "--email", user.email, "--reason", "Lost it"]);

    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch(`Reset the second factor of ${user.email}: signing in takes no code`);
    expect(ended.out).toMatch("of the user and of 1 account,");
    const by = { principal_id: "operator", principal_subject: OPERATOR };
    const object = { reason: "Lost it" };
    const events = [...(await eventsOf(account)), ...(await userEventsOf(user))];
    expect(events).toMatchObject([
      { ...by, type: "member_mfa_reset.v1", object },
      { ...by, type: "authenticator_removed.v1", object },
      { ...by, type: "mfa_reset.v1", object },
    ]);
    expect(new Set(events.map((event) => event["request_id"])).size).toBe(1);
  });

  it("T6: refuses for an email that no user has, and for no reason", async () => {
    const { email } = await aUser();
    const reset = (address: string, reason: string) => [
      ...["reset-mfa", "--email", address, "--reason", reason],
    ];
    await expectRefusal(reset("x@example.com", "x"), 2, "--email: No user has the email x@");
    await expectRefusal(reset("nobody", "x"), 2, "--email: ");
    await expectRefusal(reset(email, " "), 2, "--reason: Say why");
    await expectRefusal(reset(email, "x".repeat(1001)), 2, "--reason: Use at most 1000 bytes");
  });

  it("T6: has nothing to do where there is no second factor", async () => {
    const { email } = await aUser();
    const before = await everything();
    const ended = await run(["reset-mfa", "--email", email, "--reason", "x"]);
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch(/has no second factor.* Nothing was changed\.\n$/);
    expect(await everything()).toEqual(before);
  });
});

describe("end-sessions", () => {
  it("U9: ends them all", async () => {
    const user = await aUser();
    const end = ["end-sessions", "--email", user.email, "--reason", "Stolen"];
    await aSession(user.id);
    await aSession(user.id);

    expect((await run(end)).out).toMatch(`Ended all 2 sessions of ${user.email}.`);
    const again = await run(end);
    expect(again.code).toBe(0);
    expect(again.out).toMatch("has no open session. Nothing was changed.");

    const by = { type: "session_ended.v1", principal_subject: OPERATOR };
    expect(await userEventsOf(user)).toMatchObject([by, by]);
  });

  it("refuses for an email that no user has", async () => {
    const args = ["end-sessions", "--email", "x@example.com", "--reason", "x"];
    await expectRefusal(args, 2, "--email: No user has the email x@example.com.");
  });
});

describe("rotate-keys", () => {
  beforeEach(() => sqlAsOwner("delete from authenticators"));
  const rotating = { env: { GATEHOUSE_ENCRYPTION_KEYS: `${NEW_KEY},${ENCRYPTION_KEYS}` } };

  it("T7: encrypts again, and says that the old key can go", async () => {
    await anAuthenticator((await aUser()).id);

    const ended = await run(["rotate-keys"], rotating);

    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch('Encrypted 1 secret with the key "new".');
    expect(ended.out).toMatch("No secret needs another key.");
    expect((await run(["rotate-keys"], rotating)).out).toMatch("Encrypted 0 secrets with");
  });

  it("T7: fails where a key is not configured, and names it", async () => {
    await anAuthenticator((await aUser()).id, { keyId: "lost" });

    const ended = await run(["rotate-keys"], rotating);

    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      '1 secret is encrypted with the key "lost", which is not configured.',
    );
    expect(ended.out).not.toMatch("needs no other");
  });
});

describe("check", () => {
  const states = ({ out }: Ended) =>
    Object.fromEntries(
      out
        .trim()
        .split("\n")
        .map((line) => /^(.*?) +(ok|failed|skipped) +\S/.exec(line)!.slice(1)),
    ) as Record<string, string>;
  const fine = {
    settings: "ok",
    github: "ok",
    google: "ok",
    database: "ok",
    migrations: "ok",
    "serving role": "ok",
    keys: "ok",
    explorer: "ok",
    mail: "ok",
  };

  it("finds all in order, and changes nothing", async () => {
    await sqlAsOwner("delete from authenticators");
    await anAuthenticator((await aUser()).id);
    const before = await everything();

    const ended = await run(["check"]);

    expect(states(ended)).toEqual(fine);
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch('"test" encrypts; 1 secret under "test"');
    expect(await everything()).toEqual(before);
    expect(existsSync(join(directory, "encryption-keys"))).toBe(false);
  });

  it("tells of settings that can't be used, in one line, and looks no further", async () => {
    const env = { PORT: "x", GATEHOUSE_ENCRYPTION_KEYS: "x" };
    const ended = await run(["check"], { env });

    expect(ended.code).toBe(1);
    expect(states(ended)).toEqual({
      ...Object.fromEntries(Object.keys(fine).map((name) => [name, "skipped"])),
      settings: "failed",
    });
    expect(ended.out).toMatch(/used: PORT: .*; GATEHOUSE_ENCRYPTION_KEYS: /);
  });

  it("U8: tells who people sign in with, and the callback URL to register there", async () => {
    const { out } = await run(["check"], {
      env: {
        GATEHOUSE_PUBLIC_URL: "https://id.example.com/",
        GATEHOUSE_GITHUB_CLIENT_ID: "Iv1",
        GATEHOUSE_GITHUB_CLIENT_SECRET: "hush",
      },
    });
    expect(out).toMatch(
      /^github +ok +on, .* https:\/\/id.example.com\/sign-in\/github\/callback$/m,
    );
    expect(out).toMatch(/^google +ok +off: GATEHOUSE_GOOGLE_CLIENT_ID is not set$/m);
    expect(out).not.toMatch("hush");
  });

  it.each([
    ["development", {}, true],
    ["production", { NODE_ENV: "production" }, false],
    ["production with it", { NODE_ENV: "production", GATEHOUSE_EXPLORER: "true" }, true],
    ["development without it", { GATEHOUSE_EXPLORER: "0" }, false],
  ])("tells whether browsers get the explorer: %s", async (_, settings, isOn) => {
    const { out } = await run(["check"], {
      env: {
        ...{ GATEHOUSE_PUBLIC_URL: "https://id.example.com/", GATEHOUSE_DEMO: "" },
        ...{ GATEHOUSE_SMTP_URL: "smtp://127.0.0.1:1", ...settings },
      },
    });
    expect(out).toMatch(
      isOn
        ? /^explorer +ok +on: browsers get it at https:\/\/id.example.com\/graphql /m
        : /^explorer +ok +off: /m,
    );
  });

  it("warns of a setting that does not exist, which fails nothing", async () => {
    const { code, out } = await run(["check"], { env: { GATEHOUSE_NAMEE: "Acme" } });
    expect(code).toBe(0);
    expect(out).toMatch(/^settings +warning +GATEHOUSE_NAMEE: .* Did you mean GATEHOUSE_NAME\?$/m);
  });

  it("tells of a database that is away, and of one that is empty", async () => {
    const away = await run(["check"], { env: { DATABASE_URL: "postgres://127.0.0.1:1/x" } });
    expect(away.code).toBe(1);
    expect(states(away)).toMatchObject({ database: "failed", migrations: "skipped", mail: "ok" });
    expect(away.out).toMatch("connect ECONNREFUSED 127.0.0.1:1. Is it running");

    const env = { DATABASE_URL: withDatabase(url, "template1") };
    const empty = await run(["check"], { env });
    expect(empty.code).toBe(1);
    expect(states(empty)).toMatchObject({ database: "ok", migrations: "failed", keys: "skipped" });
    expect(empty.out).toMatch(/\d+ are missing. Run `npm run migrate`/);
    const args = ["end-sessions", "--email", "x@example.com", "--reason", "x"];
    await expectRefusal(args, 1, "The database is not up to date. Run `npm run migrate`", { env });
  });

  it("does not make the embedded database to look at it", async () => {
    const ended = await run(["check"], { env: { DATABASE_URL: "" } });

    expect(ended.code).toBe(1);
    const said = /There is no database in .* yet\. Run `npm start`.* create-administrator`/;
    expect(ended.out).toMatch(said);
    const args = ["end-sessions", "--email", "x@example.com", "--reason", "x"];
    await expectRefusal(args, 1, said, { env: { DATABASE_URL: "" } });
    await expectRefusal(["migrate"], 1, said, { env: { DATABASE_URL: "" } });
    expect(existsSync(join(directory, "postgres"))).toBe(false);
  });

  it("T7: tells of keys that are not configured, and of one that is another", async () => {
    await sqlAsOwner("delete from authenticators");
    await anAuthenticator((await aUser()).id);
    const keys = (text: string) => run(["check"], { env: { GATEHOUSE_ENCRYPTION_KEYS: text } });

    const missing = await keys(NEW_KEY);
    expect(states(missing)).toEqual({ ...fine, keys: "failed" });
    expect(missing.out).toMatch(
      '1 secret is encrypted with the key "test", which is not configured',
    );
    const wrong = await keys(NEW_KEY.replace("new", "test"));
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch('encrypted with a key "test" that is not the configured one');
  });
});

describe("create-administrator", () => {
  const PASSWORD = "seventeen purple walruses dance";
  const create = ["create-administrator", "--email", "ada@example.com", "--name", "Ada"].concat([
    ...["--account", "Engines"],
  ]);
  const empty = () =>
    sqlAsOwner(`
      set session_replication_role = replica;
      delete from user_events; delete from events; delete from sessions; delete from memberships;
      delete from accounts; delete from authenticators; delete from users;
      reset session_replication_role`);

  it("refuses where there are users", async () => {
    await aUser();
    await expectRefusal(create, 1, /This database has users.* Sign up \(`signUp`\)/);
  });

  it("M1: prints a password that works, once", async () => {
    await empty();

    const { code, out, err } = await run(create);

    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Created ada@example.com, the administrator of "Engines" \(ac_/);
    const [, password] = /shown this once: (\S{20,})$/m.exec(out)!;
    signedIn(await signIn(asNobody(), "ada@example.com", password!));
  });

  it("U4: takes a password from standard input, and does not print it", async () => {
    await empty();
    const piped = [...create, "--password-stdin"];

    await expectRefusal(piped, 2, "--password: Use 12 to 256 characters; this has 5.", {
      input: "short",
    });
    const { code, out } = await run(piped, { input: `${PASSWORD}\n` });

    expect(code).toBe(0);
    expect(out).not.toMatch(PASSWORD);
    signedIn(await signIn(asNobody(), "ada@example.com", PASSWORD));
  });

  it("M1: of two at once, one wins", async () => {
    await empty();

    const ended = await Promise.all([run(create), run(create)]);

    expect(ended.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(await sqlAsOwner("select from users")).toHaveLength(1);
  });
});

describe("migrate", () => {
  it("says that the database is up to date", async () => {
    const said = { code: 0, out: "The database is up to date.\n", err: "" };
    expect(await run(["migrate"])).toEqual(said);
    const env = { DATABASE_URL: "", DATABASE_MIGRATION_URL: url };
    expect(await run(["migrate"], { env })).toEqual(said);
  });
});

describe("with a database user of few rights", () => {
  const user = `few_rights_${process.pid}`;
  const limited = url
    .replace(/^(postgres(?:ql)?:\/\/)([^@/]*@)?/, `$1${user}@`)
    .replace(/\/[^/?]+(?=\?|$)/, `/${user}`);
  const env = { DATABASE_URL: limited };
  const onServer = async (database: string, ...statements: string[]) => {
    const client = new Client({ connectionString: withDatabase(url, database) });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };
  beforeAll(() => onServer("postgres", `create role ${user} login`, `create database ${user}`));
  afterAll(() => onServer("postgres", `drop database ${user} with (force)`, `drop role ${user}`));

  it("says which rights it lacks, and works once it has them", async () => {
    const said =
      /As a superuser of PostgreSQL, connected to that database, run `(grant .*;)`\.(?: Then run `npm run migrate`| Or set)/;
    const checked = await run(["check"], { env });
    expect(checked.code).toBe(1);
    expect(checked.out).toMatch(/^migrations +failed +\d+ are missing\. As a superuser/m);
    const [, grants] = said.exec(checked.out)!;
    expect(grants).toBe(
      [
        `grant gatehouse_app to ${user};`,
        `grant create on schema public to ${user};`,
        `grant create on database ${user} to ${user};`,
      ].join(" "),
    );
    const migrated = await run(["migrate"], { env });
    expect(migrated).toMatchObject({ code: 1, out: "" });
    expect(migrated.err).toMatch(/^The database can't be migrated: its user lacks rights\. As a /);
    expect(said.exec(migrated.err)![1]).toBe(grants);

    await onServer(user, grants!);

    expect((await run(["check"], { env })).out).toMatch(
      /^migrations +failed +\d+ are missing\. Run `npm run migrate`\.$/m,
    );
    expect(await run(["migrate"], { env })).toMatchObject({ code: 0, err: "" });
    expect((await run(["check"], { env })).out).toMatch(/^serving role +ok/m);
  });
});

it("works on the embedded database, running or not, and leaves it as it was", async () => {
  const env = { DATABASE_URL: "", GATEHOUSE_DEMO: "false", GATEHOUSE_ENCRYPTION_KEYS: "" };
  const pidFile = join(directory, "postgres", "data", "postmaster.pid");
  const end = ["end-sessions", "--email", "ada@example.com", "--reason", "x"];
  const create = ["create-administrator", "--email", "ada@example.com", "--name", "Ada"];

  const created = await run([...create, "--account", "Engines"], { env });
  expect(created.code).toBe(0);
  expect(created.out).toMatch("shown this once");
  expect(existsSync(pidFile)).toBe(false);

  const server = await startEmbedded({ directory, durable: true });
  const pid = await readFile(pidFile, "utf8");
  try {
    expect((await run(end, { env })).out).toMatch("has no open session");
    expect((await run(["migrate"], { env })).out).toMatch(/^The database in .* is up to date\.$/m);
    expect((await run(["check"], { env })).code).toBe(0);
    const client = new Client({ connectionString: server.url });
    await client.connect();
    expect((await client.query("select from users")).rowCount).toBe(1);
    await client.end();
    expect(await readFile(pidFile, "utf8")).toBe(pid);
  } finally {
    await server.stop();
  }
  expect((await run(["check"], { env })).code).toBe(0);
  expect(existsSync(pidFile)).toBe(false);
});
