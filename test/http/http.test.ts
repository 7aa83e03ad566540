import { createHash } from "node:crypto";
import { connect } from "node:net";
import { serverAudits } from "graphql-http";
import { CredentialKind } from "../../src/entities/Credential";
import { hashPassword } from "../../src/identity/passwords";
import {
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  aSession,
  aUser,
  eventsOf,
} from "../support/factories";
import { sqlAsOwner, useDatabase } from "../support/database";
import { read, type Served, serve } from "../support/http";

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

/**
 * Audits that only say SHOULD, and are not met on purpose: what can't be meant (no document, wrong
 * variables, an unknown operation) is answered with 400 to clients of the old media type too.
 */
const WARNINGS = ["572B", "7B9B", "FDE2"];

const VIEWER = JSON.stringify({ query: "{ viewer { surface } }" });
const post = (headers: Record<string, string>, body: string = VIEWER) =>
  server.fetch("/graphql", { method: "POST", headers, body });

describe("the GraphQL-over-HTTP audit suite", () => {
  const audits = serverAudits({
    url: () => `${server.url}/graphql`,
    fetchFn: (input: string, init?: RequestInit) =>
      // What a GET must prove to get through CSRF prevention.
      fetch(input, {
        ...init,
        headers: { ...(init?.headers as object), "apollo-require-preflight": "true" },
      }),
  });

  it("has audits to pass", () => expect(audits.length).toBeGreaterThan(30));

  it.each(audits.map(({ id, name, fn }) => [`${id} ${name}`, fn] as const))(
    "%s",
    async (_id, fn) => {
      const result = await fn();
      expect(result.status === "error" ? result.reason : "").toBe("");
    },
  );

  it("warns of nothing but what is meant so", async () => {
    const results = await Promise.all(audits.map(({ fn }) => fn()));
    const warned = results.filter(({ status }) => status === "warn").map(({ id }) => id);
    expect(warned.sort()).toEqual(WARNINGS);
  });
});

it("answers with security headers and the request's id", async () => {
  const { headers } = await post({ "content-type": "application/json" });
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-request-id")).toMatch(/^req_/);
});

it.each([
  ["GET", undefined, undefined],
  ["POST", "{}", "application/json"],
  ["POST", '{"query": ""}', "application/json"],
])("says what to send instead: %s %s", async (method, body, type) => {
  const response = await server.fetch("/graphql", {
    method,
    ...(body !== undefined && { body }),
    headers: { accept: "*/*", ...(type && { "content-type": type }) },
  });
  expect(response.status).toBe(400);
  const { errors, codes } = read(await response.text());
  expect(codes).toEqual(["BAD_REQUEST"]);
  expect(errors[0]!.message).toContain("by POST");
  expect(errors[0]!.message).toContain("`content-type: application/json`");
  expect(errors[0]!.message).not.toMatch(/Apollo|CSRF|Cross-Site|operation/);
});

it("refuses a compressed body, which would be read as text", async () => {
  const answer = await post({ "content-type": "application/json", "content-encoding": "gzip" });
  expect(answer.status).toBe(415);
  expect(await answer.text()).toContain("Content-Encoding");
});

describe("a browser's session (U9)", () => {
  const PASSWORD = "correct horse battery staple 42";
  const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { token session { id } } }`;
  const SIGN_OUT = `mutation { signOut { session { id endedAt } } }`;
  type SignedIn = { signIn: { token: string | null; session: { id: string } } };

  async function aPerson() {
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    return { user, input: { email: user.email, password: PASSWORD } };
  }

  /** What a browser would keep: the name, the value and the attributes in lower case. */
  /** The one that tells the browser again opens nothing, and comes with every sign-in. */
  const sessionCookies = (headers: Headers) =>
    headers.getSetCookie().filter((one) => !one.startsWith("__Host-gatehouse_device="));

  function cookieIn(headers: Headers) {
    const [cookie, ...more] = sessionCookies(headers);
    expect(more).toEqual([]);
    const [pair, ...attributes] = cookie!.split(/; */);
    const [name, value] = pair!.split("=");
    return { name, value: value!, attributes: attributes.map((one) => one.toLowerCase()) };
  }

  it("U9: is in a cookie for this host alone, over TLS alone, which no script reads", async () => {
    const { input } = await aPerson();
    const answer = await server.ask<SignedIn>(SIGN_IN, { input });
    expect(answer.errors).toEqual([]);
    expect(answer.data!.signIn.token).toBeNull();
    const { name, value, attributes } = cookieIn(answer.headers);
    expect(name).toBe("__Host-gatehouse_session");
    expect(value).toMatch(/^gas_[0-9a-z]{59}$/);
    expect(answer.text).not.toContain(value);
    expect(attributes).toEqual(
      expect.arrayContaining(["httponly", "secure", "samesite=lax", "path=/"]),
    );
    expect(attributes.filter((one) => one.startsWith("domain"))).toEqual([]);
    expect(attributes).toContainEqual(expect.stringMatching(/^max-age=\d+$/));
    expect(await server.ask("{ viewer { surface } }", {}, { cookie: value })).toMatchObject({
      data: { viewer: { surface: "DASHBOARD" } },
    });
  });

  it("U9: is in the answer and in no cookie for whoever asks for a bearer token", async () => {
    const { input } = await aPerson();
    const answer = await server.ask<SignedIn>(SIGN_IN, {
      input: { ...input, transport: "BEARER" },
    });
    expect(sessionCookies(answer.headers)).toEqual([]);
    expect(answer.data!.signIn.token).toMatch(/^gas_[0-9a-z]{59}$/);
  });

  it.each([
    ["signOut", SIGN_OUT],
    [
      "endSession",
      `mutation ($id: ID!) { endSession(input: { sessionId: $id }) { session { id } } }`,
    ],
  ])("U9: stays in the browser when %s by a bearer token ends another", async (_name, mutation) => {
    const { user, input } = await aPerson();
    const { value } = cookieIn((await server.ask(SIGN_IN, { input })).headers);
    const other = await aSession(user.id);
    const answer = await server.ask(
      mutation,
      { id: other.id },
      { token: other.token, cookie: value },
    );
    expect(answer.errors).toEqual([]);
    expect(sessionCookies(answer.headers)).toEqual([]);
    const [ended] = await sqlAsOwner("select ended_at from sessions where id = $1", [other.id]);
    expect(ended).toEqual({ ended_at: expect.any(Date) as unknown });
    expect(await server.ask("{ viewer { surface } }", {}, { cookie: value })).toMatchObject({
      data: { viewer: { surface: "DASHBOARD" } },
    });
  });

  it("U9: sets no cookie when the sign-in is refused", async () => {
    const { input } = await aPerson();
    const answer = await server.ask(SIGN_IN, { input: { ...input, password: "something else 9" } });
    expect(answer.codes).toEqual(["INVALID_CREDENTIALS"]);
    expect(sessionCookies(answer.headers)).toEqual([]);
  });

  it("U9: is over once signed out: the cookie goes, and what it held opens nothing", async () => {
    const { input } = await aPerson();
    const { value } = cookieIn((await server.ask(SIGN_IN, { input })).headers);
    const answer = await server.ask(SIGN_OUT, {}, { cookie: value });
    expect(answer.errors).toEqual([]);
    const gone = cookieIn(answer.headers);
    expect(gone).toMatchObject({ name: "__Host-gatehouse_session", value: "" });
    expect(gone.attributes).toEqual(
      expect.arrayContaining([
        "secure",
        "path=/",
        expect.stringMatching(/^expires=thu, 01 jan 1970/),
      ]),
    );
    for (const sender of [{ cookie: value }, { token: value }]) {
      const after = await server.ask("{ viewer { surface } }", {}, sender);
      expect(after.codes).toEqual(["UNAUTHENTICATED"]);
    }
  });

  it("U9: that has ended still lets its browser sign in again, and never out of another", async () => {
    const { user, input } = await aPerson();
    const ended = await aSession(user.id);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [ended.id]);
    const answer = await server.ask(SIGN_IN, { input }, { cookie: ended.token });
    expect(answer.errors).toEqual([]);
    const { value } = cookieIn(answer.headers);
    expect(value).not.toBe(ended.token);
    expect(await server.ask("{ viewer { surface } }", {}, { cookie: value })).toMatchObject({
      errors: [],
    });
  });

  it.each([
    ["has ended", "ended_at = now()"],
    ["has expired", "expires_at = now() - interval '1 second'"],
    ["was not used for 14 days", "last_used_at = now() - interval '14 days 1 second'"],
  ])("U9: opens nothing once it %s", async (_what, change) => {
    const { userId } = await aMember(await anAccount());
    const { id, token } = await aSession(userId);
    await sqlAsOwner(`update sessions set ${change} where id = $1`, [id]);
    expect(await server.ask("{ viewer { surface } }", {}, { token })).toMatchObject({
      status: 401,
      codes: ["UNAUTHENTICATED"],
    });
    expect(await server.ask("{ viewer { surface } }", {}, { cookie: token })).toMatchObject({
      data: { viewer: null },
      codes: ["UNAUTHENTICATED"],
    });
  });

  it.each([
    ["GET", undefined],
    ["HEAD", undefined],
    ["POST", "text/plain"],
    ["POST", "application/x-www-form-urlencoded"],
    ["POST", "multipart/form-data; boundary=x"],
    ["POST", undefined],
  ])(
    "is no use to another site's %s of %s: nothing is read and nothing changes",
    async (method, type) => {
      const account = await anAccount({ name: "Before" });
      const admin = await aMember(account, ADMINISTRATOR);
      const { token } = await aSession(admin.userId);
      const mutation = `mutation { updateAccount(input: { accountId: "${account.id}", name: "x" }) { userErrors { code } } }`;
      for (const query of [mutation, "{ viewer { principal { id name } } }"]) {
        const reading = method === "GET" || method === "HEAD";
        const search = new URLSearchParams({ query }).toString();
        const body = type?.startsWith("application/x") ? search : JSON.stringify({ query });
        const response = await server.fetch(reading ? `/graphql?${search}` : "/graphql", {
          method,
          headers: {
            cookie: `__Host-gatehouse_session=${token}`,
            origin: "https://evil.example",
            "sec-fetch-site": "cross-site",
            ...(type && { "content-type": type }),
          },
          ...(!reading && { body: Buffer.from(body) }),
        });
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect(await response.text()).not.toContain(admin.userId);
        expect(response.headers.get("access-control-allow-origin")).toBeNull();
      }
      expect(await sqlAsOwner("select name from accounts where id = $1", [account.id])).toEqual([
        { name: "Before" },
      ]);
      expect(await eventsOf(account)).toEqual([]);
    },
  );

  it("lets no other site ask beforehand: a preflight gets no leave", async () => {
    const response = await server.fetch("/graphql", {
      method: "OPTIONS",
      headers: {
        origin: "https://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
    });
    const leave = [...response.headers.keys()].filter((name) => name.startsWith("access-control"));
    expect(leave).toEqual([]);
  });
});

describe("who asks", () => {
  it("answers 401 with how to prove it (RFC 9110, section 15.5.2)", async () => {
    const answer = await server.ask("{ __typename }", {}, { token: "nonsense" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer\b/);
  });

  it("C9: says of an authtoken that it is the wrong kind, in an export too", async () => {
    const account = await anAccount();
    const { secret } = await aCredential(await aMember(account), {
      kind: CredentialKind.AUTHTOKEN,
    });
    const response = await server.fetch(`/accounts/${account.id}/events`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    expect(response.status).toBe(401);
    expect(read(await response.text()).codes).toEqual(["WRONG_CREDENTIAL_KIND"]);
  });

  it("takes the Authorization header's word over the cookie's", async () => {
    const [ann, ben] = [await aMember(await anAccount()), await aMember(await anAccount())];
    const { token: cookie } = await aSession(ann.userId);
    const { secret: token } = await aCredential(ben);
    const answer = await server.ask(
      "{ viewer { surface principal { id } } }",
      {},
      { cookie, token },
    );
    expect(answer.data).toEqual({ viewer: { surface: "API", principal: { id: ben.userId } } });
    const bad = await server.ask("{ viewer { surface } }", {}, { cookie, token: "nonsense" });
    expect(bad.status).toBe(401);
  });
});

describe("every answer", () => {
  it.each([
    ["/nothing", 404],
    ["/graphql", 400],
    ["/healthz", 200],
    ["/readyz", 200],
    ["/", 302],
    ["/accounts/x/events", 404],
    ["/graphql/", 404],
    ["//graphql", 404],
    ["/%00", 404],
  ] as const)("has security headers and its own id: %s", async (path, status) => {
    const response = await server.fetch(path, { redirect: "manual" });
    expect(response.status).toBe(status);
    const { headers } = response;
    expect(headers.get("x-request-id")).toMatch(/^req_[0-9a-z]{26}$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toMatch(/DENY|SAMEORIGIN/);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("strict-transport-security")).toMatch(/max-age=\d{7,}/);
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-powered-by")).toBeNull();
    expect(headers.get("server")).toBeNull();
    const text = await response.text();
    if (status < 400) return;
    const { errors, codes } = read(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.message).toMatch(/^[A-Z`].+\s/s);
    expect(codes).toEqual([expect.stringMatching(/^[A-Z_]+$/)]);
  });
});

it("answers a path that is no UTF-8 in GraphQL's words too, with its id", async () => {
  const response = await server.fetch("/%ff");
  expect(response.status).toBe(400);
  expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  expect(read(await response.text()).codes).toEqual(["BAD_REQUEST"]);
});

it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
  "refuses a form's %s that a browser sends with its cookie",
  async (type) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(admin.userId);
    const body = JSON.stringify({
      query: `mutation { updateAccount(input: { accountId: "${account.id}", name: "x" }) { userErrors { code } } }`,
    });
    const cookie = `__Host-gatehouse_session=${token}`;
    const { status } = await post({ "content-type": type, cookie }, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(await eventsOf(account)).toEqual([]);
  },
);

it("answers a query by GET with a key or a token in its header, which no page of another site can send", async () => {
  const { secret } = await aCredential(await aMember(await anAccount(), ADMINISTRATOR));
  const path = `/graphql?query=${encodeURIComponent("{ viewer { surface } }")}`;
  const asked = await server.fetch(path, { headers: { authorization: `Bearer ${secret}` } });
  expect(read(await asked.text())).toMatchObject({ data: { viewer: { surface: "API" } } });

  const { token } = await aSession((await aMember(await anAccount())).userId);
  const cookie = `__Host-gatehouse_session=${token}`;
  const forged = await server.fetch(path, { headers: { cookie, accept: "application/json" } });
  expect(forged.status).toBe(400);
  expect(read(await forged.text()).errors[0]!.message).toContain("apollo-require-preflight: true");
});

it("never runs a mutation by GET", async () => {
  const account = await anAccount();
  const { secret } = await aCredential(await aMember(account, ADMINISTRATOR));
  const query = `mutation { updateAccount(input: { accountId: "${account.id}", name: "x" }) { userErrors { code } } }`;
  const { status } = await server.fetch(`/graphql?query=${encodeURIComponent(query)}`, {
    headers: { authorization: `Bearer ${secret}`, "apollo-require-preflight": "true" },
  });
  expect(status).toBe(405);
  expect(await eventsOf(account)).toEqual([]);
});

it("lets a browser whose session has ended ask as nobody, and a client with a bad token not", async () => {
  const { userId } = await aMember(await anAccount());
  const { id, token } = await aSession(userId);
  await sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);
  const asNobody = await server.ask("{ __typename }", {}, { cookie: token });
  expect(asNobody).toMatchObject({ status: 200, errors: [] });
  const asBearer = await server.ask("{ __typename }", {}, { token });
  expect(asBearer).toMatchObject({ status: 401, codes: ["UNAUTHENTICATED"] });
});

it("C9: says that an authtoken is the wrong kind", async () => {
  const member = await aMember(await anAccount());
  const { secret } = await aCredential(member, {
    kind: CredentialKind.AUTHTOKEN,
  });
  const answer = await server.ask("{ __typename }", {}, { token: secret });
  expect(answer).toMatchObject({ status: 401, codes: ["WRONG_CREDENTIAL_KIND"] });
});

it("Y2, M4: refuses a disabled member's key at the very next request, and takes it again once enabled", async () => {
  const member = await aMember(await anAccount());
  const { secret: token } = await aCredential(member);
  const ask = () => server.ask("{ viewer { surface } }", {}, { token });
  const set = (value: string) =>
    sqlAsOwner(`update memberships set disabled_at = ${value} where id = $1`, [member.id]);
  expect(await ask()).toMatchObject({ status: 200, errors: [] });
  await set("now()");
  expect(await ask()).toMatchObject({ status: 403, codes: ["MEMBER_DISABLED"] });
  await set("null");
  expect(await ask()).toMatchObject({ status: 200, errors: [] });
});

describe("the explorer", () => {
  const get = async (accept: string | undefined, at = server) => {
    const response = await at.fetch("/graphql", {
      headers: accept === undefined ? {} : { accept },
    });
    return { response, text: await response.text() };
  };
  const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

  const filesOf = (text: string) => [...new Set(text.match(/\/graphql\/explorer\/[\w.]+/g))].sort();

  it("is served to browsers, with nothing from anywhere else", async () => {
    const { response, text } = await get(BROWSER);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(text).toContain("query Welcome");
    const addresses = [...text.matchAll(/\s(?:src|href|action|data|poster|srcset)="([^"]*)"/g)];
    expect(addresses.length).toBe(4);
    for (const [, to] of addresses)
      expect(to).toMatch(/^\/graphql\/explorer\/\w+\.[0-9a-f]{16}\.\w+$/);
    // And if a script of it tried: the policy names no other host.
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:|\*/);
  });

  it("runs no script that is in the page or is made from a text", async () => {
    const { response, text } = await get(BROWSER);
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toMatch(/script-src 'self';/);
    expect(policy).toMatch(/worker-src 'self';/);
    expect(policy).not.toMatch(/unsafe-eval|blob:/);
    const scripts = text.match(/<script[^>]*>/g)!;
    for (const tag of scripts) expect(tag).toMatch(/ src="| type="application\/json"/);
  });

  it.each([
    ["br", "gzip, deflate, br, zstd"],
    ["gzip", "gzip, br;q=0"],
    [null, "identity"],
  ])("has files that browsers keep for good, compressed: %s", async (encoding, accepted) => {
    const files = filesOf((await get(BROWSER)).text);
    expect(files).toHaveLength(7);
    let whole = 0;
    let sent = 0;
    for (const path of files) {
      const headers = { "accept-encoding": accepted };
      const response = await server.fetch(path, { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-encoding")).toBe(encoding);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(response.headers.get("vary")).toBe("accept-encoding");
      const content = Buffer.from(await response.arrayBuffer());
      expect(path).toContain(createHash("sha256").update(content).digest("hex").slice(0, 16));
      whole += content.length;
      sent += Number(response.headers.get("content-length"));
    }
    expect(whole).toBeGreaterThan(5_000_000);
    if (encoding) expect(sent).toBeLessThan(whole / 3);
  });

  it("has no other files", async () => {
    for (const name of ["graphiql.js", "graphiql.0000000000000000.js", "..%2f..%2fpackage.json"]) {
      const response = await server.fetch(`/graphql/explorer/${name}`);
      expect(response.status).toBe(404);
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
  });

  it("is away where it is turned off: browsers are told what to send", async () => {
    const off = await serve({ env: { GATEHOUSE_EXPLORER: "false" } });
    const { response, text } = await get(BROWSER, off);
    expect(response.status).toBe(400);
    expect(read(text).errors[0]!.message).toContain("POST");
    const [path] = filesOf((await get(BROWSER)).text);
    expect((await off.fetch(path!)).status).toBe(404);
  });

  it.each([undefined, "*/*", "application/json", "application/graphql-response+json"])(
    "is not served to a client that accepts %s",
    async (accept) => {
      const { response, text } = await get(accept);
      expect(response.headers.get("content-type")).not.toContain("text/html");
      expect(text).not.toContain("<html");
    },
  );

  it("opens with a key only where it was given one, the demo's", async () => {
    expect((await get(BROWSER)).text).toContain("Bearer \\u003cAPI key>");
    const demo = await serve({ demoKey: "gak_demo" });
    expect((await get(BROWSER, demo)).text).toContain("Bearer gak_demo");
  });

  /** Whether the page has the key, asked for by this name from this address. */
  async function hasKey(host: string, from = "127.0.0.1", publicUrl?: string): Promise<boolean> {
    const env = {
      GATEHOUSE_TRUSTED_PROXIES: "127.0.0.1",
      ...(publicUrl && { GATEHOUSE_PUBLIC_URL: publicUrl }),
    };
    const demo = await serve({ demoKey: "gak_demo", env });
    const headers = { accept: BROWSER, host, "x-forwarded-for": from };
    const { payload, statusCode } = await demo.app.inject({ url: "/graphql", headers });
    expect(statusCode).toBe(200);
    return payload.includes("gak_demo");
  }

  it.each([
    ["localhost:4000", "127.0.0.1", undefined, true],
    ["LOCALHOST", "::1", undefined, true],
    ["127.0.0.1:4000", "127.0.0.1", undefined, true],
    ["[::1]:4000", "::ffff:127.0.0.1", undefined, true],
    ["demo.example", "203.0.113.9", "https://demo.example", true],
    ["demo.example:8443", "203.0.113.9", "https://demo.example:8443", true],
    // A name that an attacker points to this machine, and a neighbour who says that they are here.
    ["rebound.example", "127.0.0.1", undefined, false],
    ["127.0.0.1.rebound.example", "127.0.0.1", undefined, false],
    ["localhost:4000", "192.168.1.7", undefined, false],
    ["192.168.1.2:4000", "192.168.1.7", undefined, false],
    ["demo.example:9000", "203.0.113.9", "https://demo.example", false],
    ["localhost:4000", "192.168.1.7", "http://localhost:4000", false],
  ])("opens with the demo's key at %s for %s: %#", async (host, from, publicUrl, expected) => {
    expect(await hasKey(host, from, publicUrl)).toBe(expected);
  });
});

it("is healthy and ready, and tells what is not there in GraphQL's words", async () => {
  expect((await server.fetch("/healthz")).status).toBe(200);
  expect((await server.fetch("/readyz")).status).toBe(200);
  const wrong = await server.fetch("/readyz", { method: "PUT" });
  expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  const nothing = await server.fetch("/nothing");
  expect(nothing.status).toBe(404);
  expect(await nothing.text()).toContain("/graphql");
});

it("logs requests with their ids and without what they carry", async () => {
  const { secret } = await aCredential(await aMember(await anAccount()));
  await server.ask("{ viewer { surface } }", { password: "hunter2hunter2" }, { token: secret });
  const log = server.log.join("");
  expect(log).toMatch(/"requestId":"req_/);
  expect(log).not.toContain(secret.slice(-20));
  expect(log).not.toContain("hunter2");
});

it("E4: exports events as NDJSON and CSV, as far as the caller may read them", async () => {
  const account = await anAccount();
  const admin = await aMember(account, ADMINISTRATOR);
  const [{ secret: all }, { secret: own }] = [
    await aCredential(admin),
    await aCredential(await aMember(account)),
  ];
  for (const name of ["One", "=Two()"]) {
    await server.ask(
      `mutation ($name: String!) { updateAccount(input: { accountId: "${account.id}", name: $name }) { userErrors { code } } }`,
      { name },
      { token: all },
    );
  }
  const lines = async (token: string, query = "") => {
    const path = `/accounts/${account.id}/events${query}`;
    const answer = await server.fetch(path, { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, lines: (await answer.text()).split("\n").filter(Boolean) };
  };
  const events = (await lines(all)).lines.map((line) => JSON.parse(line) as { type: string });
  expect(events.map(({ type }) => type)).toEqual(["account_updated.v1", "account_updated.v1"]);
  expect((await lines(own)).lines).toEqual([]);
  expect((await lines(all, "?format=csv")).lines).toHaveLength(3);
  expect((await lines(all, "?types=member_disabled.v1")).lines).toEqual([]);
  expect(await lines(all, "?objectId=x")).toMatchObject({
    status: 400,
    lines: [expect.stringContaining("objectId")],
  });
});

it("E4: follows events as they happen, once each, until the caller may no longer", async () => {
  const account = await anAccount();
  const { credential, secret: token } = await aCredential(await aMember(account, ADMINISTRATOR));
  const answer = await server.fetch(`/accounts/${account.id}/events?follow=true`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const rename = (name: string) =>
    server.ask(
      `mutation { updateAccount(input: { accountId: "${account.id}", name: "${name}" }) { userErrors { code } } }`,
      {},
      { token },
    );
  const text = answer.text();
  await rename("One");
  await new Promise((next) => setTimeout(next, 2_500));
  await rename("Two");
  await new Promise((next) => setTimeout(next, 1_500));
  await sqlAsOwner("update credentials set revoked_at = now() where id = $1", [credential.id]);
  const names = (await text)
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { object: { name: string } }).object.name);
  expect(names).toEqual(["One", "Two"]);
});

it("closes a connection whose request dribbles in, and leaves a live tail open", async () => {
  const account = await anAccount();
  const { secret: token } = await aCredential(await aMember(account, ADMINISTRATOR));
  const impatient = await serve({ requestMs: 300 });
  const tail = await impatient.fetch(`/accounts/${account.id}/events?follow=true`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const reader = tail.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader.read()).toEqual({ done: false, value: "\n" });

  const socket = connect(Number(new URL(impatient.url).port), "127.0.0.1");
  socket.write(
    "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999\r\n\r\n{",
  );
  const dribble = setInterval(() => socket.write(" "), 20);
  socket.on("error", () => undefined); // what it writes once the server is gone
  await new Promise((closed) => socket.once("close", closed).resume());
  clearInterval(dribble);
  // The tail is older than that connection became.
  await impatient.ask(
    `mutation { updateAccount(input: { accountId: "${account.id}", name: "Still here" }) { userErrors { code } } }`,
    {},
    { token },
  );
  expect((await reader.read()).value).toContain("Still here");
  await reader.cancel();
  expect(impatient.log.join("")).not.toContain('"level":50');
});
