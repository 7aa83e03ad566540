import { ApolloServer } from "@apollo/server";
import { sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, ADMINISTRATOR, aMember, anAccount, aSession } from "../support/factories";
import {
  answerFrom,
  headersOf,
  type Sender,
  serve,
  serveBothWays,
  type Served,
} from "../support/http";

let servers: { compiled: Served; resolved: Served };
let key: string;
let session: string;
let account: string;

beforeAll(async () => {
  await useDatabase();
  servers = await serveBothWays();
  const one = await anAccount();
  account = one.id;
  const member = await aMember(one, ADMINISTRATOR);
  key = (await aCredential(member)).secret;
  session = (await aSession(member.userId)).token;
});

const json = { "content-type": "application/json" };
const VIEWER = "{ viewer { surface principal { id } } }";

/** Requests of every kind, sent as a caller that both servers know. */
const REQUESTS: [
  name: string,
  init: () => RequestInit & { path?: string },
  sender?: () => Sender,
][] = [
  ["a query", () => ({ body: JSON.stringify({ query: VIEWER }) })],
  [
    "one with variables",
    () => asking("query ($i: ID!) { account(id: $i) { name } }", { i: account }),
  ],
  ["a missing variable", () => asking("query ($i: ID!) { account(id: $i) { name } }", {})],
  ["a wrong variable", () => asking("query ($i: ID!) { account(id: $i) { name } }", { i: {} })],
  ["a page too large", () => asking(members("first: 101"))],
  ["no cursor of ours", () => asking(members('after: "x"'))],
  [
    "a bad address",
    () => asking(`{ account(id: "${account}") { events(filter: {ip: "x"}) { nodes { id } } } }`),
  ],
  [
    "an account of nobody's",
    () => asking('{ account(id: "ac_01jc0000000000000000000000") { id } }'),
  ],
  ["an introspection", () => asking("{ __schema { queryType { name } } }")],
  ["one mixed in", () => asking("{ __schema { queryType { name } } viewer { surface } }")],
  ["__typename alone", () => asking("{ __typename }")],
  [
    "a mutation",
    () =>
      asking(
        `mutation { updateAccount(input: { accountId: "${account}" }) { account { name } userErrors { code } } }`,
      ),
  ],
  [
    "a refused mutation",
    () => asking('mutation { disableMember(input: { memberId: "x" }) { userErrors { code } } }'),
  ],
  ["a subscription", () => asking("subscription { x }")],
  [
    "two operations, one named",
    () => ({
      body: JSON.stringify({
        query: "query A { viewer { surface } } query B { viewer { can { createAccount } } }",
        operationName: "B",
      }),
    }),
  ],
  [
    "two operations, none named",
    () => asking("query A { viewer { surface } } query B { viewer { surface } }"),
  ],
  ["an unknown operation", () => ({ body: JSON.stringify({ query: VIEWER, operationName: "Z" }) })],
  ["a syntax error", () => asking("{ viewer {")],
  ["an unknown field", () => asking("{ viewer { nope } }")],
  ["no query", () => ({ body: "{}" })],
  ["a query that is no text", () => ({ body: JSON.stringify({ query: 5 }) })],
  ["variables that are a list", () => ({ body: JSON.stringify({ query: VIEWER, variables: [] }) })],
  [
    "an operation name that is none",
    () => ({ body: JSON.stringify({ query: VIEWER, operationName: {} }) }),
  ],
  [
    "a persisted query",
    () => ({
      body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } }),
    }),
  ],
  ["a batch", () => ({ body: JSON.stringify([{ query: VIEWER }]) })],
  ["no JSON", () => ({ body: "{" })],
  ["another type", () => ({ body: VIEWER, headers: { "content-type": "text/plain" } })],
  [
    "an Accept nobody can meet",
    () => ({ body: JSON.stringify({ query: VIEWER }), headers: { ...json, accept: "image/png" } }),
  ],
  [
    "the new media type",
    () => ({
      body: JSON.stringify({ query: VIEWER }),
      headers: { ...json, accept: "application/graphql-response+json" },
    }),
  ],
  [
    "too much",
    () =>
      asking(
        `{ account(id: "${account}") { members(first: 100) { nodes { credentials(first: 100) { nodes { id } } } } } }`,
      ),
  ],
  [
    "too deep",
    () =>
      asking(
        `{ viewer ${"{ memberships { nodes { account ".repeat(6)} { id } ${"} } }".repeat(6)} }`,
      ),
  ],
  [
    "GET",
    () => ({
      method: "GET",
      path: `/graphql?query=${encodeURIComponent(VIEWER)}`,
      headers: { "apollo-require-preflight": "1" },
    }),
  ],
  [
    "GET without proof",
    () => ({ method: "GET", path: `/graphql?query=${encodeURIComponent(VIEWER)}` }),
  ],
  [
    "@skip of everything",
    () => asking("query ($s: Boolean!) { viewer @skip(if: $s) { surface } }", { s: true }),
  ],
];

const asking = (query: string, variables?: object) => ({
  body: JSON.stringify({ query, variables }),
});
const members = (args: string) =>
  `{ account(id: "${account}") { members(${args}) { nodes { id } } } }`;

/** As it came, but for what differs from one request to the next. */
async function askOf(server: Served, init: RequestInit & { path?: string }, sender: Sender) {
  const { path = "/graphql", ...rest } = init;
  const headers = { ...(rest.body ? json : {}), ...(rest.headers as object), ...headersOf(sender) };
  const answer = await answerFrom(await server.fetch(path, { method: "POST", ...rest, headers }));
  const { date, "x-request-id": id, ...more } = Object.fromEntries(answer.headers);
  void date;
  const body: unknown = JSON.parse(answer.text.replaceAll(id ?? "", "<id>") || "null");
  return { status: answer.status, headers: more, body };
}

describe.each([
  ["a key", () => ({ token: key })],
  ["a session", () => ({ token: session })],
  ["a cookie", () => ({ cookie: session })],
  ["nobody", () => ({})],
  ["a token nobody made", () => ({ token: "gak_nope" })],
] as [string, () => Sender][])("from %s", (_who, sender) => {
  it.each(REQUESTS)("answers %s alike, compiled or not", async (_name, init) => {
    // Known to the compiled side, so that it has a guess to go by.
    await askOf(servers.compiled, asking(VIEWER), sender());
    const [fast, again, slow] = [
      await askOf(servers.compiled, init(), sender()),
      await askOf(servers.compiled, init(), sender()),
      await askOf(servers.resolved, init(), sender()),
    ];
    expect(fast).toEqual(slow);
    expect(again).toEqual(slow);
  });
});

it("answers a key that was revoked as unauthenticated, whatever is wrong besides", async () => {
  for (const [, init] of REQUESTS) {
    const member = await aMember({ id: account } as never, ADMINISTRATOR);
    const { secret, credential } = await aCredential(member);
    await askOf(servers.compiled, asking(VIEWER), { token: secret });
    await sqlAsOwner("update credentials set revoked_at = now() where id = $1", [credential.id]);
    // A wait for too many of them would not be the same from both.
    await sqlAsOwner("delete from throttles");
    const fast = await askOf(servers.compiled, init(), { token: secret });
    const slow = await askOf(servers.resolved, init(), { token: secret });
    expect(fast).toEqual(slow);
  }
});

it("asks Apollo once for what is asked again, and each time for what it refuses", async () => {
  const apollo = jest.spyOn(ApolloServer.prototype, "executeHTTPGraphQLRequest");
  const times = async (query: string, variables: object) => {
    apollo.mockClear();
    for (let i = 0; i < 3; i++) {
      await askOf(servers.compiled, asking(query, variables), { token: key });
    }
    return apollo.mock.calls.length;
  };
  const query =
    "query Again($i: ID!, $n: Int!) { account(id: $i) { members(first: $n) { nodes { id } } } }";
  expect(await times(query, { i: account, n: 3 })).toBe(1);
  expect(await times(query, { i: account, n: 4 })).toBe(0);
  expect(await times(query, { i: account, n: 101 })).toBe(3);
  expect(await times(query, { i: account })).toBe(3);
});

it("tells the operator why queries were left to their resolvers, and how often", async () => {
  const server = await serve();
  const init = () => asking("{ __schema { queryType { name } } }");
  await askOf(server, asking(VIEWER), { token: key });
  for (let i = 0; i < 3; i++) await askOf(server, init(), { token: key });

  await server.close();

  const told = server.log.map((line) => JSON.parse(line) as { msg: string; left?: object });
  expect(told.filter(({ msg }) => msg.includes("left to their resolvers"))).toMatchObject([
    { left: { "__schema is for the executor": 3 } },
  ]);
});
