import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { SMTPServer } from "smtp-server";
import { sqlAsOwner, useDatabase } from "./support/database";
import { begin, build, directory, ending, runProgram } from "./support/programs";

// What takes a process of its own to be seen: how it ends, what it leaves, what it is sent.
jest.setTimeout(120_000);
beforeAll(useDatabase);
beforeAll(build);

// Which processes there are, Linux tells.
const onLinux = process.platform === "linux" ? it : it.skip;

/** The processes that were started with this text among their arguments. */
function processesWith(part: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(part);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

/** Waits until it is so. A test that waits in vain ends by its timeout. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

const errorsIn = (out: string) => out.split("\n").filter((line) => /"level":[56]0/.test(line));

/** Ways to start on an embedded database of its own. */
const EMBEDDED = { DATABASE_URL: "", GATEHOUSE_ENCRYPTION_KEYS: "", PORT: "0" };

describe("the server", () => {
  it.each([
    ["no.such.host.invalid", "no such name."],
    ["198.51.100.9", "this machine has no such address."],
  ])("says in a line that it can't listen on %s, and makes no database", async (HOST, why) => {
    const fresh = await mkdtemp(join(directory, "unheard-"));
    const env = { ...EMBEDDED, GATEHOUSE_DATA_DIRECTORY: fresh, HOST, GATEHOUSE_NAMEE: "Acme" };
    const { code, out, err } = await runProgram("main", [], env);
    expect({ code, err }).toEqual({ code: 1, err: `HOST: can't listen on "${HOST}": ${why}\n` });
    const [warning] = out.split("\n");
    expect(JSON.parse(warning!)).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/^GATEHOUSE_NAMEE: /) as string,
    });
    expect(readdirSync(fresh)).toEqual([]);
  });

  it("says in a line that its port is taken, and makes no database", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const PORT = String((other.address() as AddressInfo).port);
    const fresh = await mkdtemp(join(directory, "taken-"));
    const env = { ...EMBEDDED, GATEHOUSE_DATA_DIRECTORY: fresh, HOST: "127.0.0.1", PORT };

    const ended = await runProgram("main", [], env);
    other.close();

    const err = `Port ${PORT} on 127.0.0.1 is taken. Stop what listens there, or set PORT to another.\n`;
    expect(ended).toEqual({ code: 1, out: "", err });
    expect(readdirSync(fresh)).toEqual([]);
  });

  it("says of a database that is away what to do, without a stack", async () => {
    const env = { DATABASE_URL: "postgres://127.0.0.1:1/x", PORT: "0" };
    expect(await runProgram("main", [], env)).toEqual({
      code: 1,
      out: "",
      err:
        "The database can't be used: connect ECONNREFUSED 127.0.0.1:1. " +
        "`npm run gatehouse -- check` says what to do.\n",
    });
  });

  it("says how to get in where its database has no users, and stops without errors", async () => {
    const server = begin("main", [], { PORT: "0" });
    const ended = ending(server);
    server.stdout.on("data", (line: Buffer) => {
      if (line.includes("create-administrator")) server.kill("SIGTERM");
    });
    const { code, out, err } = await ended;
    expect({ code, err, errors: errorsIn(out) }).toEqual({ code: 0, err: "", errors: [] });
    expect(out).toMatch("The database has no users yet.");
    expect(out).toMatch("GATEHOUSE_DEMO=true");
    expect(await sqlAsOwner("select from users")).toEqual([]);
  });

  it("prints nothing but its log in production, a JSON text for each line", async () => {
    const server = begin("main", [], {
      NODE_ENV: "production",
      PORT: "0",
      GATEHOUSE_PUBLIC_URL: "https://id.example.com",
      GATEHOUSE_SMTP_URL: "smtp://127.0.0.1:1",
    });
    const ended = ending(server);
    server.stdout.on("data", (line: Buffer) => {
      if (line.includes("create-administrator")) server.kill("SIGTERM");
    });
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        "Gatehouse listens",
        expect.stringContaining("The database has no users yet."),
      ]),
    );
  });

  onLinux("ends all that it has started when told to at any moment, and starts again", async () => {
    const fresh = await mkdtemp(join(directory, "told-"));
    const env = { ...EMBEDDED, GATEHOUSE_DATA_DIRECTORY: fresh };
    const has = (path: string) => () => existsSync(join(fresh, path));
    const isHalfMade = () => {
      const found = has("postgres")() ? readdirSync(join(fresh, "postgres")) : [];
      const drafts = found.filter((name) => name.startsWith("data-new-"));
      return drafts.some((draft) => has(`postgres/${draft}/PG_VERSION`)());
    };
    // How far each start has come, by what it has made. The next one goes on from there.
    const moments: Record<string, () => boolean> = {
      "finds a place for its database": has("postgres"),
      "makes its database": isHalfMade,
      "starts its database": has("postgres/data"),
      "migrates its database": has("postgres/data/postmaster.pid"),
      "fills its database": has("encryption-keys"),
    };
    for (const [moment, isCome] of Object.entries(moments)) {
      const server = begin("main", [], env);
      const ended = ending(server);
      await until(isCome);
      server.kill("SIGTERM");

      const { code, out, err } = await ended;
      const how = { moment, code, err, errors: errorsIn(out) };
      expect(how).toEqual({ moment, code: 0, err: "", errors: [] });
      await until(() => processesWith(fresh).length === 0);
    }

    const server = begin("main", [], env);
    const ended = ending(server);
    server.stdout.on("data", (said: Buffer) => {
      if (said.includes("Demo sign-in")) server.kill("SIGTERM");
    });
    const { code, out, err } = await ended;
    expect({ code, err, errors: errorsIn(out) }).toEqual({ code: 0, err: "", errors: [] });
    expect(processesWith(fresh)).toEqual([]);
  });
});

describe("the command line", () => {
  it("ends with 2 where it was called wrongly", async () => {
    expect(await runProgram("cli", ["reset"])).toMatchObject({ code: 2, out: "" });
  });

  it("ends quietly, and as it would, where no reader is left", async () => {
    const child = begin("cli", ["check"]);
    child.stdout.destroy();
    const ended = once(child, "close");
    expect(await text(child.stderr)).toBe("");
    expect(await ended).toEqual([0, null]);
  });

  onLinux("ends with the database that it has started when it is interrupted", async () => {
    const fresh = await mkdtemp(join(directory, "interrupted-"));
    const env = { ...EMBEDDED, GATEHOUSE_DATA_DIRECTORY: fresh };
    const create = ["create-administrator", "--email", "a@example.com", "--name", "A"];
    const child = begin("cli", [...create, "--account", "A"], env);
    const ended = ending(child);
    await until(() => existsSync(join(fresh, "postgres/data/postmaster.pid")));
    child.kill("SIGINT");

    expect(await ended).toMatchObject({ code: 130, out: "" });
    await until(() => processesWith(fresh).length === 0);
  });
});

describe("check", () => {
  /** An SMTP server that knows one password. */
  async function smtp(): Promise<{ port: number; stop: () => void }> {
    const server = new SMTPServer({
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        password === "right" ? done(null, { user: username }) : done(new Error("Invalid login")),
    });
    // It ends the connections that a test leaves, and says so.
    server.on("error", () => undefined);
    await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
    const { port } = server.server.address() as { port: number };
    return { port, stop: () => server.close() };
  }
  // No authority has signed smtp-server's certificate. Node looks into the process's own environment.
  const check = (server: string) =>
    runProgram("cli", ["check"], {
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      GATEHOUSE_SMTP_URL: `smtp://${server}`,
    });

  it("logs in at the mail server, and says so where it can't", async () => {
    const { port, stop } = await smtp();
    const at = `127.0.0.1:${port}`;

    const taken = await check(`me:right@${at}`);
    expect(taken.code).toBe(0);
    expect(taken.out).toMatch(/^mail +ok +127\.0\.0\.1:\d+ accepts the connection$/m);
    expect(taken.out).not.toMatch("right");
    const refused = await check(`me:wrong@${at}`);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(
      /^mail +failed +.*Invalid login.* Check GATEHOUSE_SMTP_URL \(127\.0\.0\.1:\d+\)\.$/m,
    );
    expect(refused.out).not.toMatch("wrong");
    stop();
    expect((await check("me:right@127.0.0.1:1")).out).toMatch(/^mail +failed /m);
  });
});
