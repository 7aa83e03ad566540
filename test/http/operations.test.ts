import {
  connect,
  createServer as createProxy,
  type NetConnectOpts,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { Database } from "../../src/database/database";
import { openDataSource } from "../../src/database/dataSource";
import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, url, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  aSession,
  aUser,
  eventsOf,
} from "../support/factories";
import { headersOf, read, serve, type Served } from "../support/http";

const PASSWORD = "correct horse battery staple 42";
const ENOUGH_MS = 15_000;

beforeAll(useDatabase);

/** A way to the database that can be cut off, and mended. */
class Proxy {
  private mode: "open" | "cut" | "silent" = "open";
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly target: NetConnectOpts;

  constructor() {
    const to = new URL(url.replace("@/", "@localhost/"));
    const host = to.searchParams.get("host");
    const port = Number(to.searchParams.get("port") ?? (to.port || 5432));
    this.target = host?.startsWith("/")
      ? { path: `${host}/.s.PGSQL.${port}` }
      : { host: host ?? to.hostname, port };
    this.server = createProxy((near) => {
      if (this.mode === "cut") return near.destroy();
      this.sockets.add(near);
      near.on("error", () => near.destroy());
      if (this.mode === "silent") return;
      const far = connect(this.target);
      this.sockets.add(far);
      far.on("error", () => near.destroy());
      near.on("data", (data) => this.mode === "silent" || far.write(data));
      far.on("data", (data) => this.mode === "silent" || near.write(data));
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
  }

  /** The same database by way of this proxy. */
  get url(): string {
    const through = new URL(url.replace("@/", "@localhost/"));
    through.searchParams.delete("host");
    through.searchParams.delete("port");
    through.hostname = "127.0.0.1";
    through.port = String((this.server.address() as { port: number }).port);
    return through.toString();
  }

  /** Ends every connection, and lets none through. */
  cut(): void {
    this.mode = "cut";
    this.endEach();
  }

  /** Takes connections and never answers, as a network does that swallows packets. */
  silence(): void {
    this.mode = "silent";
  }

  mend(): void {
    if (this.mode === "silent") this.endEach();
    this.mode = "open";
  }

  close(): void {
    this.endEach();
    this.server.close();
  }

  private endEach(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }
}

describe("while the database is away", () => {
  let proxy: Proxy;
  let database: Database;
  let server: Served;

  beforeAll(async () => {
    proxy = new Proxy();
    await proxy.listen();
    const source = openDataSource({ url: proxy.url, as: "serve", poolSize: 4 });
    database = new Database(await source.initialize());
    server = await serve({ database });
  });

  afterEach(() => proxy.mend());

  afterAll(async () => {
    proxy.mend();
    server.app.server.closeAllConnections();
    await server.close();
    await database.close();
    proxy.close();
  });

  const ready = async () => (await server.fetch("/readyz")).status;

  async function becomesReady(): Promise<void> {
    for (const end = Date.now() + ENOUGH_MS; Date.now() < end; await sleep(100)) {
      if ((await ready()) === 200) return;
    }
    throw new Error("It never became ready again");
  }

  const timed = async <T>(work: Promise<T>) => {
    const started = Date.now();
    const result = await Promise.race([work, sleep(ENOUGH_MS, "hangs" as const, { ref: false })]);
    return { result, ms: Date.now() - started };
  };

  it("is not ready, is healthy all the same, and recovers by itself", async () => {
    expect(await ready()).toBe(200);
    proxy.cut();
    const response = await server.fetch("/readyz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: "database away" });
    expect((await server.fetch("/healthz")).status).toBe(200);
    proxy.mend();
    await becomesReady();
  });

  it("is not ready either when the database does not answer at all, and says so in time", async () => {
    proxy.silence();
    const { result, ms } = await timed(ready());
    expect(result).toBe(503);
    expect(ms).toBeLessThan(5_000);
    proxy.mend();
    await becomesReady();
  });

  it.each(["cut", "silence"] as const)(
    "answers 503 to requests, and soon: %s",
    async (how) => {
      const account = await anAccount({ name: "Before" });
      const admin = await aMember(account, ADMINISTRATOR);
      const { token } = await aSession(admin.userId);
      const { secret } = await aCredential(admin);
      const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
      const rename = `mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "After" }) { userErrors { code } } }`;
      const read = `query ($id: ID!) { account(id: $id) { members { nodes { id } } } }`;
      const signIn = `mutation ($input: SignInInput!) { signIn(input: $input) { token } }`;
      const input = { email: user.email, password: PASSWORD, transport: "BEARER" };
      expect((await server.ask(read, { id: account.id }, { token })).errors).toEqual([]);

      proxy[how]();
      const asked = [
        server.ask(read, { id: account.id }, { token }),
        server.ask(read, { id: account.id }, { token: secret }),
        server.ask(rename, { id: account.id }, { token: secret }),
        server.ask(read, { id: account.id }, { cookie: token }),
        server.ask(signIn, { input }),
      ];
      const exported = server.fetch(`/accounts/${account.id}/events`, {
        headers: headersOf({ token }),
      });
      const [export_, ...answers] = await Promise.all([timed(exported), ...asked.map(timed)]);
      expect(answers.map(({ result }) => (result === "hangs" ? result : result.status))).toEqual(
        asked.map(() => 503),
      );
      expect(export_.result).toMatchObject({ status: 503 });
      expect(await (export_.result as Response).json()).toMatchObject({
        errors: [{ extensions: { code: "SERVICE_UNAVAILABLE" } }],
      });
      for (const { result } of answers) {
        if (result === "hangs") continue;
        expect(result.codes).toEqual(["SERVICE_UNAVAILABLE"]);
        expect(result.headers.get("retry-after")).toBe("1");
        expect(result.text).not.toMatch(/ECONN|Connection|terminated|pool|timeout|127\.0\.0\.1/i);
        const { message, extensions } = result.errors[0]!;
        expect(message).toBe("The service is not available right now. Try again in a moment.");
        expect(extensions).toMatchObject({ requestId: result.headers.get("x-request-id") });
      }

      proxy.mend();
      await becomesReady();
      expect(await server.ask(read, { id: account.id }, { token })).toMatchObject({
        status: 200,
        errors: [],
      });
      // Nothing changed, and nothing was recorded.
      expect(await sqlAsOwner("select name from accounts where id = $1", [account.id])).toEqual([
        { name: "Before" },
      ]);
      expect(await eventsOf(account)).toEqual([]);
    },
    90_000,
  );

  it("answers 503 to a mutation whose connection breaks in the middle, of which nothing stays", async () => {
    const account = await anAccount({ name: "Before" });
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId);
    const rename = `mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "After" }) { userErrors { code } } }`;
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query("begin");
    await holder.query("select from accounts where id = $1 for update", [account.id]);
    const asked = server.ask(rename, { id: account.id }, { token });
    await sleep(300); // it waits for the lock now
    proxy.cut();
    const { result } = await timed(asked);
    await holder.query("rollback");
    await holder.end();
    proxy.mend();
    await becomesReady();
    expect(result).toMatchObject({ status: 503, codes: ["SERVICE_UNAVAILABLE"] });
    await sleep(300);
    expect(await sqlAsOwner("select name from accounts where id = $1", [account.id])).toEqual([
      { name: "Before" },
    ]);
    expect(await eventsOf(account)).toEqual([]);
  }, 30_000);

  it("survives connections that the database ends, between requests and by the dozen", async () => {
    const { userId } = await aMember(await anAccount(), ADMINISTRATOR);
    const { token } = await aSession(userId);
    const ask = () => server.ask("{ viewer { principal { id } } }", {}, { token });
    await Promise.all(Array.from({ length: 12 }, ask));
    await sqlAsOwner(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name = 'gatehouse'",
    );
    await sleep(200);
    await becomesReady();
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe("stopping", () => {
  /** Holds an account's row, so that a mutation there waits for as long as it takes. */
  async function holding(account: { id: string }) {
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query("begin");
    await holder.query("select from accounts where id = $1 for update", [account.id]);
    return async () => {
      await holder.query("rollback");
      await holder.end();
    };
  }

  const RENAME = `mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "After" }) { account { name } userErrors { code } } }`;

  it("lets a request in flight finish, takes no new one, and then is gone", async () => {
    const stopping = await serve();
    const account = await anAccount({ name: "Before" });
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId);
    const release = await holding(account);
    let finished = false;
    const asked = stopping.ask(RENAME, { id: account.id }, { token });
    await sleep(300);

    const closing = stopping.close().then(() => (finished = true));
    await sleep(300);
    expect(finished).toBe(false);
    const late = await stopping.ask("{ __typename }").then(
      ({ status }) => status,
      () => "refused" as const,
    );
    expect([503, "refused"]).toContain(late);
    await release();

    expect(await asked).toMatchObject({
      status: 200,
      data: { updateAccount: { account: { name: "After" }, userErrors: [] } },
    });
    expect(await eventsOf(account)).toHaveLength(1);
    expect(await Promise.race([closing, sleep(5_000, "still open", { ref: false })])).toBe(true);
  }, 30_000);

  it("waits for no connection that asks nothing, as browsers open in advance", async () => {
    const stopping = await serve();
    const { port } = new URL(stopping.url);
    const socket = connect({ port: Number(port), host: "127.0.0.1" });
    await new Promise((connected) => socket.once("connect", connected));
    expect((await stopping.fetch("/healthz")).status).toBe(200);
    const closing = stopping.close().then(() => "closed");
    expect(await Promise.race([closing, sleep(5_000, "still open", { ref: false })])).toBe(
      "closed",
    );
    socket.destroy();
  });

  it("waits for what goes on behind an answer: the note of a last use", async () => {
    const stopping = await serve();
    const { userId } = await aMember(await anAccount());
    const { id, token } = await aSession(userId);
    await sqlAsOwner("update sessions set last_used_at = now() - interval '1 hour' where id = $1", [
      id,
    ]);
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query("begin");
    await holder.query("select from sessions where id = $1 for update", [id]);
    const answer = await stopping.ask("{ viewer { surface } }", {}, { token });
    expect(answer.errors).toEqual([]); // without waiting for the note
    stopping.app.server.closeIdleConnections();
    let closed = false;
    const closing = stopping.close().then(() => (closed = true));
    await sleep(500);
    expect(closed).toBe(false);
    await holder.query("rollback");
    await holder.end();
    await closing;
    const [row] = await sqlAsOwner<{ noted: boolean }>(
      "select last_used_at > now() - interval '1 minute' as noted from sessions where id = $1",
      [id],
    );
    expect(row!.noted).toBe(true);
  });
});

describe("logs", () => {
  interface Line {
    level: number;
    msg: string;
    requestId?: string;
    method?: string;
    path?: string;
    status?: number;
    ms?: number;
  }
  const lines = ({ log }: Served) => log.map((line) => JSON.parse(line) as Line);

  it("tells of each request once: its id, method, path, status and time", async () => {
    const server = await serve();
    const answer = await server.ask("{ __typename }");
    await server.fetch("/nothing?token=s3cret-in-a-query");
    await sleep(50);
    const [first, second, ...more] = lines(server).filter(({ msg }) => msg === "request");
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      requestId: answer.headers.get("x-request-id"),
      method: "POST",
      path: "/graphql",
      status: 200,
      ms: expect.any(Number) as unknown,
    });
    expect(second).toMatchObject({ method: "GET", path: "/nothing", status: 404 });
    expect(server.log.join("")).not.toContain("s3cret");
  });

  it("takes no client's word for a request's id", async () => {
    const server = await serve();
    const { headers } = await server.ask(
      "{ __typename }",
      {},
      {
        headers: { "x-request-id": "req_forged", "request-id": "req_forged" },
      },
    );
    expect(headers.get("x-request-id")).toMatch(/^req_[0-9a-z]{26}$/);
    expect(server.log.join("")).not.toContain("forged");
  });

  it("holds no token, password, secret, document or variable, whatever is asked", async () => {
    const server = await serve();
    const account = await anAccount();
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const member = await aMember(account, ADMINISTRATOR, { userId: user.id });
    const session = await aSession(user.id);
    const key = await aCredential(member);
    const authtoken = await aCredential(member, { kind: "AUTHTOKEN" as never });
    const secrets = [
      session.token,
      key.secret,
      authtoken.secret,
      PASSWORD,
      "guess-guess-guess",
      "v4riable",
    ];
    const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { token } }`;
    const input = (password: string) => ({
      input: { email: user.email, password, transport: "BEARER" },
    });

    const signedIn = await server.ask<{ signIn: { token: string } }>(SIGN_IN, input(PASSWORD));
    secrets.push(signedIn.data!.signIn.token);
    await server.ask(SIGN_IN, input("guess-guess-guess"));
    const made = await server.ask<{ createApiKey: { secret: string } }>(
      `mutation ($id: ID!) { createApiKey(input: { accountId: $id, description: "v4riable" }) { secret } }`,
      { id: account.id },
      { token: session.token },
    );
    secrets.push(made.data!.createApiKey.secret);
    await server.ask("{ viewer { surface } }", { v: "v4riable" }, { token: key.secret });
    await server.ask("{ viewer { surface } }", {}, { cookie: session.token });
    await server.ask("{ viewer { surface } }", {}, { token: authtoken.secret });
    await server.ask("{ viewer { surface } }", {}, { token: `${key.secret}x` });
    await server.ask("{ viewer { v4riable } }", {}, { token: key.secret });
    const query = `query=${encodeURIComponent('{ node(id: "v4riable") { id } }')}&token=${key.secret}`;
    await server.fetch(`/graphql?${query}`, { headers: { "apollo-require-preflight": "1" } });
    await server.fetch("/graphql", {
      method: "POST",
      body: `{"password": "${PASSWORD}"`,
      headers: { "content-type": "application/json" },
    });
    await sleep(100);

    const log = server.log.join("");
    expect(log.length).toBeGreaterThan(500);
    expect(
      secrets.filter((secret) => log.includes(secret) || log.includes(secret.slice(-16))),
    ).toEqual([]);
    expect(log).not.toMatch(/authorization|cookie|mutation|viewer/i);
  });

  it("holds no hash and no row when the database refuses one: its `detail` quotes the whole row", async () => {
    const server = await serve();
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD), name: "N4me" });
    await sqlAsOwner("alter table sessions add constraint never check (user_id = '') not valid");
    try {
      const answer = await server.ask(
        `mutation ($input: SignInInput!) { signIn(input: $input) { token } }`,
        { input: { email: user.email, password: PASSWORD } },
      );
      expect(answer.codes).toEqual(["INTERNAL_SERVER_ERROR"]);
      expect(answer.errors[0]!.message).toBe("Something went wrong.");
    } finally {
      await sqlAsOwner("alter table sessions drop constraint never");
    }
    const log = server.log.join("");
    expect(log).toContain("never"); // the operator learns which constraint it was
    expect(log).not.toContain("Failing row");
    expect(log).not.toMatch(/\\\\x[0-9a-f]{16}/);
  });
});

describe("bugs of ours", () => {
  /** A table that is away while the work is done. */
  async function without<T>(table: string, work: () => Promise<T>): Promise<T> {
    await sqlAsOwner(`alter table ${table} rename to ${table}_away`);
    try {
      return await work();
    } finally {
      await sqlAsOwner(`alter table ${table}_away rename to ${table}`);
    }
  }

  function expectMasked(server: Served, text: string, requestId: string | null): void {
    const { errors, codes } = read(text);
    expect(codes).toEqual(["INTERNAL_SERVER_ERROR"]);
    expect(errors[0]!.message).toBe("Something went wrong.");
    expect(errors[0]!.extensions).toEqual({ code: "INTERNAL_SERVER_ERROR", requestId });
    expect(text).not.toMatch(/relation|_away|does not exist|select |stack|\.ts|node_modules/);
    const told = server.log.filter((line) => line.includes("does not exist"));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0]!)).toMatchObject({
      level: 50,
      requestId,
      err: {
        message: expect.stringContaining("does not exist") as unknown,
        stack: expect.any(String) as unknown,
      },
    });
  }

  it("tells a caller nothing but a request id, in which the log has the cause: in a resolver", async () => {
    const server = await serve();
    const account = await anAccount();
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId);
    const answer = await without("invitations", () =>
      server.ask(
        `query ($id: ID!) { account(id: $id) { name invitations { nodes { email } } } }`,
        { id: account.id },
        { token },
      ),
    );
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ account: null });
    expect(answer.errors[0]!.path).toEqual(["account", "invitations"]);
    expectMasked(server, answer.text, answer.headers.get("x-request-id"));
  });

  it("tells a caller nothing but a request id: while it looks up who asks", async () => {
    const server = await serve();
    const { userId } = await aMember(await anAccount());
    const { token } = await aSession(userId);
    const answer = await without("sessions", () =>
      server.ask("{ viewer { surface } }", {}, { token }),
    );
    expect(answer.status).toBe(500);
    expectMasked(server, answer.text, answer.headers.get("x-request-id"));
  });

  it("tells a caller nothing but a request id: in a mutation, of which nothing stays", async () => {
    const server = await serve();
    const account = await anAccount({ name: "Before" });
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId);
    const answer = await without("events", () =>
      server.ask(
        `mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "After" }) { account { name } } }`,
        { id: account.id },
        { token },
      ),
    );
    expect(answer.data).toEqual({ updateAccount: null });
    expectMasked(server, answer.text, answer.headers.get("x-request-id"));
    // E1: no change without its event.
    expect(await sqlAsOwner("select name from accounts where id = $1", [account.id])).toEqual([
      { name: "Before" },
    ]);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("tells a caller nothing but a request id: in an export", async () => {
    const server = await serve();
    const account = await anAccount();
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId);
    const response = await without("memberships", () =>
      server.fetch(`/accounts/${account.id}/events`, { headers: headersOf({ token }) }),
    );
    expect(response.status).toBe(500);
    expectMasked(server, await response.text(), response.headers.get("x-request-id"));
  });
});
