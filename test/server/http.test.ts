import { serverAudits } from "graphql-http";
import {
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  aSession,
  eventsOf,
} from "../support/factories";
import { sqlAsOwner, useDatabase } from "../support/database";
import { type Served, serve } from "../support/http";

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

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
});

it("answers with security headers and the request's id", async () => {
  const { headers } = await post({ "content-type": "application/json" });
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(headers.get("x-request-id")).toMatch(/^req_/);
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
  const { secret } = await aCredential(member, { kind: "AUTHTOKEN" as never });
  const answer = await server.ask("{ __typename }", {}, { token: secret });
  expect(answer).toMatchObject({ status: 401, codes: ["WRONG_CREDENTIAL_KIND"] });
});

it("M4: refuses a disabled member's key at the very next request, and takes it again once enabled", async () => {
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

it("serves the explorer to browsers, with nothing from anywhere else", async () => {
  const page = await server.fetch("/graphql", { headers: { accept: "text/html" } });
  expect(page.headers.get("content-type")).toContain("text/html");
  const text = await page.text();
  expect(text).toContain("query Welcome");
  expect(text).not.toMatch(/<(script|link|img)[^>]*(src|href)="https?:/);
});

it("is healthy and ready, and tells what is not there in GraphQL's words", async () => {
  expect((await server.fetch("/healthz")).status).toBe(200);
  expect((await server.fetch("/readyz")).status).toBe(200);
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
