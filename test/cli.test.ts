import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { Client } from "pg";
import { SMTPServer } from "smtp-server";
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
import { everything } from "./support/refusals";

jest.setTimeout(120_000);
const root = join(__dirname, "..");
beforeAll(useDatabase);
/** As `npm run gatehouse` does. */
beforeAll(() => promisify(execFile)("npm", ["run", "--silent", "build"], { cwd: root }));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cli-test-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const OPERATOR = `operator ${userInfo().username}@${hostname()}`;
const NEW_KEY = `new:${Buffer.alloc(32, 9).toString("base64")}`;

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

const begin = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  spawn(process.execPath, args, {
    cwd: root,
    env: {
      PATH: process.env["PATH"],
      DATABASE_URL: url,
      GATEHOUSE_ENCRYPTION_KEYS: ENCRYPTION_KEYS,
      GATEHOUSE_DATA_DIRECTORY: directory,
      ...env,
    },
  });

/** The program as an operator runs it, and how it ended. */
async function run(
  args: string[],
  {
    env = {},
    input = "",
    program = "cli",
  }: { env?: NodeJS.ProcessEnv; input?: string; program?: "cli" | "main" } = {},
): Promise<Ended> {
  const child = begin([`dist/src/${program}.js`, ...args], env);
  child.stdin.end(input);
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

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
  "check",
  "create-administrator",
  "end-sessions",
  "migrate",
  "policy",
  "reset-mfa",
  "rotate-keys",
  "schema",
];

describe("usage", () => {
  it("is told on a line for each command, asked for or not", async () => {
    const asked = await run(["--help"]);
    expect(asked).toMatchObject({ code: 0, err: "" });
    const lines = asked.out.split("\n").filter((line) => line.startsWith("  "));
    expect(lines.map((line) => line.trim().split(" ")[0])).toEqual(COMMANDS);

    expect(await run([])).toEqual({ code: 2, out: "", err: asked.out });
    expect(await run(["help"])).toEqual(asked);
  });

  it("of one command is its options", async () => {
    const { code, out } = await run(["reset-mfa", "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch("reset-mfa --email EMAIL --reason TEXT\n");
    expect(await run(["help", "reset-mfa"])).toMatchObject({ code: 0, out });
  });

  it.each([
    [["reset"], 'There is no command "reset".'],
    [["constructor"], 'There is no command "constructor".'],
    [["reset-mfa"], "What is missing: --email, --reason."],
    [["reset-mfa", "--email", "a@example.com"], "What is missing: --reason."],
    [["reset-mfa", "--email", "--reason", "x"], "Option '--email' argument is ambiguous."],
    [["end-sessions", "--mail", "a@example.com"], "Unknown option '--mail'"],
    [["rotate-keys", "now"], "Unexpected argument 'now'."],
    [["create-administrator", "--password-stdin=x"], "does not take an argument"],
  ])("is told of %j, which changes nothing", async (args, said) => {
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
    expect(ended.out).toMatch("of theirs and of 1 account,");
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

  it("T6: refuses for nobody's email, for no reason, and for who has no second factor", async () => {
    const { email } = await aUser();
    const reset = (address: string, reason: string) => [
      ...["reset-mfa", "--email", address, "--reason", reason],
    ];
    await expectRefusal(reset("x@example.com", "x"), 1, "--email: No user has the email x@");
    await expectRefusal(reset(email, " "), 1, "--reason: Say why");
    await expectRefusal(reset(email, "x".repeat(1001)), 1, "--reason: Use at most 1000 bytes");
    await expectRefusal(reset(email, "x"), 1, "has no second factor");
  });
});

describe("end-sessions", () => {
  it("U9: ends them all", async () => {
    const user = await aUser();
    const end = ["end-sessions", "--email", user.email, "--reason", "Stolen"];
    await aSession(user.id);
    await aSession(user.id);

    expect((await run(end)).out).toMatch(`Ended all 2 sessions of ${user.email}.`);
    expect((await run(end)).out).toMatch("has no open session. Nothing was changed.");

    const by = { type: "session_ended.v1", principal_subject: OPERATOR };
    expect(await userEventsOf(user)).toMatchObject([by, by]);
  });

  it("refuses for nobody's email", async () => {
    const args = ["end-sessions", "--email", "x@example.com", "--reason", "x"];
    await expectRefusal(args, 1, "--email: No user has the email x@example.com.");
  });
});

describe("rotate-keys", () => {
  beforeEach(() => sqlAsOwner("delete from authenticators"));
  const rotating = { env: { GATEHOUSE_ENCRYPTION_KEYS: `${NEW_KEY},${ENCRYPTION_KEYS}` } };

  it("T7: encrypts again, and says that the old key can go", async () => {
    await anAuthenticator((await aUser()).id);

    const ended = await run(["rotate-keys"], rotating);

    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch('Encrypted 1 secret again, under the key "new".');
    expect(ended.out).toMatch("needs no other any more");
    expect((await run(["rotate-keys"], rotating)).out).toMatch("Encrypted 0 secrets again");
  });

  it("T7: fails where a key is not configured, and names it", async () => {
    await anAuthenticator((await aUser()).id, { keyId: "lost" });

    const ended = await run(["rotate-keys"], rotating);

    expect(ended.code).toBe(1);
    expect(ended.err).toMatch('1 secret is under the key "lost", which is not configured.');
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
    mail: "ok",
  };

  /** An SMTP server that knows one password. */
  async function smtp(): Promise<{ port: number; stop: () => void }> {
    const server = new SMTPServer({
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        password === "right" ? done(null, { user: username }) : done(new Error("Invalid login")),
    });
    // It ends the connections that a test leaves, and tells.
    server.on("error", () => undefined);
    await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
    const { port } = server.server.address() as { port: number };
    return { port, stop: () => server.close() };
  }
  // The certificate that smtp-server comes with is nobody's.
  const TRUSTING = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };

  it("finds all in order, and changes nothing", async () => {
    await sqlAsOwner("delete from authenticators");
    await anAuthenticator((await aUser()).id);
    const { port, stop } = await smtp();
    const before = await everything();

    const env = { ...TRUSTING, GATEHOUSE_SMTP_URL: `smtp://me:right@127.0.0.1:${port}` };
    const ended = await run(["check"], { env });
    stop();

    expect(states(ended)).toEqual(fine);
    expect(ended.code).toBe(0);
    expect(ended.out).toMatch('"test" encrypts; 1 secret under "test"');
    expect(ended.out).not.toMatch("right");
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

  it("warns of a setting that does not exist, which fails nothing", async () => {
    const { code, out } = await run(["check"], { env: { GATEHOUSE_NAMEE: "Acme" } });
    expect(code).toBe(0);
    expect(out).toMatch(/^settings +warning +GATEHOUSE_NAMEE: .* Did you mean GATEHOUSE_NAME\?$/m);
  });

  it("ends quietly, and as it would, where nobody reads on", async () => {
    const child = begin(["dist/src/cli.js", "check"]);
    child.stdout.destroy();
    const ended = new Promise((done) => child.on("close", done));
    expect(await text(child.stderr)).toBe("");
    expect(await ended).toBe(0);
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
    expect(missing.out).toMatch('1 secret is under the key "test", which is not configured');
    const wrong = await keys(NEW_KEY.replace("new", "test"));
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch('under another key than the one configured as "test"');
  });

  it("tells of a mail server that is away, and of one that does not take us", async () => {
    const { port, stop } = await smtp();
    const at = (address: string) =>
      run(["check"], { env: { ...TRUSTING, GATEHOUSE_SMTP_URL: `smtp://me:wrong@${address}` } });

    const refused = await at(`127.0.0.1:${port}`);
    expect(refused.code).toBe(1);
    expect(states(refused)).toEqual({ ...fine, mail: "failed" });
    expect(refused.out).toMatch(/Invalid login.* Check GATEHOUSE_SMTP_URL \(127\.0\.0\.1:\d+\)/);
    expect(refused.out).not.toMatch("wrong");
    stop();
    expect(states(await at("127.0.0.1:1"))).toMatchObject({ mail: "failed" });
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

    await expectRefusal(piped, 1, "--password: Use 12 to 256 characters; this has 5.", {
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

describe("the server", () => {
  it.each([
    ["no.such.host.invalid", "no such name."],
    ["198.51.100.9", "this machine has no such address."],
  ])("says in a line that it can't listen on %s", async (HOST, why) => {
    const env = { HOST, PORT: "0", GATEHOUSE_NAMEE: "Acme" };
    const { code, out, err } = await run([], { env, program: "main" });
    expect({ code, err }).toEqual({ code: 1, err: `HOST: can't listen on "${HOST}": ${why}\n` });
    const [warning] = out.split("\n");
    expect(JSON.parse(warning!)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/^GATEHOUSE_NAMEE: /) as string,
    });
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
