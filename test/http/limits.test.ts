import { connect } from "node:net";
import fc from "fast-check";
import { getIntrospectionQuery, getNamedType, isEnumType } from "graphql";
import { hashPassword } from "../../src/identity/passwords";
import { newId } from "../../src/ids";
import { sqlAsOwner, statements, useDatabase } from "../support/database";
import { times } from "../support/races";
import {
  type InputPlace,
  inputPlaces,
  inputWith,
  literal,
  shortDocumentAt,
} from "../support/documents";
import {
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  aSession,
  aUser,
} from "../support/factories";
import {
  type Answer,
  answerFrom,
  headersOf,
  type Sender,
  serve,
  type Served,
} from "../support/http";

const PASSWORD = "correct horse battery staple 42";

let server: Served;
let admin: Sender;
let accountId: string;
let email: string;

beforeAll(async () => {
  await useDatabase();
  server = await serve();
  const account = await anAccount({ name: "Acme" });
  accountId = account.id;
  const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
  ({ email } = user);
  const member = await aMember(account, ADMINISTRATOR, { userId: user.id });
  await aCredential(member);
  admin = { token: (await aSession(member.userId)).token };
  await sqlAsOwner("update sessions set last_used_at = now() + interval '1 hour'");
});

const TABLES = [
  ...["users", "sessions", "accounts", "memberships", "service_users", "credentials"],
  ...["invitations", "ip_restrictions", "ip_rules", "events", "user_events", "refusals"],
];

async function digest(): Promise<string> {
  const parts = TABLES.map(
    (
      name,
    ) => `select '${name}' as name, md5(coalesce(string_agg(t::text, ',' order by t::text), ''))
      as digest from ${name} t`,
  );
  return JSON.stringify(await sqlAsOwner(parts.join(" union all ")));
}

/** Nothing below may change anything, be it refused or not. */
let before: string;
beforeEach(async () => {
  before = await digest();
});
const expectNothingChanged = async () => expect(await digest()).toBe(before);

async function send(
  body: string | Uint8Array | null,
  headers: Record<string, string> = {},
  method = "POST",
  path = "/graphql",
): Promise<Answer> {
  return answerFrom(
    await server.fetch(path, {
      method,
      headers: { "content-type": "application/json", ...headersOf(admin), ...headers },
      ...(body !== null && { body: body as NonNullable<RequestInit["body"]> }),
    }),
  );
}

/** A refusal that tells what to do about it: 4xx, with a code of the request's own fault. */
function expectRefused(answer: Answer, status?: number): void {
  expect(answer.text).not.toMatch(/INTERNAL_SERVER_ERROR|stack|node_modules/);
  expect(answer.errors).not.toEqual([]);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  if (status) expect(answer.status).toBe(status);
}

describe("bodies", () => {
  it("Bad input: refuses a body over 100 KB and names the limit", async () => {
    const answer = await send(
      JSON.stringify({ query: "{ viewer { surface } }", x: "y".repeat(102_400) }),
    );
    expectRefused(answer, 413);
    expect(answer.errors[0]!.message).toContain("102400");
    expect(answer.errors[0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", limit: 102_400 });
    await expectNothingChanged();
  });

  it("Bad input: takes a body just within 100 KB", async () => {
    const query = "{ viewer { surface } }";
    const rest = 102_400 - JSON.stringify({ query, x: "" }).length;
    expect((await send(JSON.stringify({ query, x: "y".repeat(rest) }))).data).toEqual({
      viewer: { surface: "DASHBOARD" },
    });
    expect((await send(JSON.stringify({ query, x: "y".repeat(rest + 1) }))).status).toBe(413);
  });

  it("Bad input: refuses a body over 100 KB that does not say how long it is", async () => {
    const answer = await new Promise<string>((done, failed) => {
      const { port } = new URL(server.url);
      let text = "";
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(
          "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        );
        const chunk = `${(10_000).toString(16)}\r\n${" ".repeat(10_000)}\r\n`;
        socket.write(chunk.repeat(20));
        socket.write("0\r\n\r\n");
      });
      socket.on("data", (part) => (text += part.toString()));
      socket.on("close", () => done(text));
      socket.on("error", (error) => (text ? done(text) : failed(error)));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["half of a text", '{"query": "{ viewer'],
    ["a document without JSON around it", "{ viewer { surface } }"],
    ["a batch", '[{"query": "{ viewer { surface } }"}, {"query": "{ viewer { surface } }"}]'],
    ["an empty batch", "[]"],
    ["null", "null"],
    ["a number", "5"],
    ["a text", '"{ viewer { surface } }"'],
    ["true", "true"],
    ["an object without query", "{}"],
    ["a query that is a number", '{"query": 5}'],
    ["a query that is an object", '{"query": {"a": 1}}'],
    ["a query that is a list", '{"query": ["{ viewer { surface } }"]}'],
    ["a query that is null", '{"query": null}'],
    ["an empty query", '{"query": ""}'],
    ["variables that are a text", '{"query": "{ viewer { surface } }", "variables": "x"}'],
    ["variables that are a list", '{"query": "{ viewer { surface } }", "variables": [1]}'],
    ["variables that are a number", '{"query": "{ viewer { surface } }", "variables": 7}'],
    [
      "an operationName that is a number",
      '{"query": "{ viewer { surface } }", "operationName": 7}',
    ],
    ["extensions that are a text", '{"query": "{ viewer { surface } }", "extensions": "x"}'],
    [
      "a persisted query",
      '{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}}',
    ],
    [
      "an operation that is not there",
      '{"query": "query A { viewer { surface } }", "operationName": "B"}',
    ],
    [
      "two operations and no name",
      '{"query": "query A { viewer { surface } } query B { viewer { surface } }"}',
    ],
    ["a subscription", '{"query": "subscription { x }"}'],
    ["an unknown field", '{"query": "{ viewer { password } }"}'],
    ["an unknown argument", '{"query": "{ viewer(x: 1) { surface } }"}'],
    ["a fragment on nothing known", '{"query": "{ viewer { ...on Nothing { id } } }"}'],
    ["an unknown fragment", '{"query": "{ viewer { ...None } }"}'],
    ["a prototype", '{"__proto__": {"query": "{ viewer { surface } }"}}'],
  ])("Bad input: refuses %s", async (_what, body) => {
    expectRefused(await send(body), 400);
    await expectNothingChanged();
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonx",
    "nonsense",
    "",
  ])("Bad input: refuses a body that says it is %j", async (type) => {
    const body = JSON.stringify({ query: "{ viewer { surface } }" });
    const answer = await send(body, { "content-type": type });
    expectRefused(answer);
    expect([400, 415]).toContain(answer.status);
    await expectNothingChanged();
  });

  it("Bad input: takes JSON whatever charset it says, and bytes that are no UTF-8 without harm", async () => {
    const body = JSON.stringify({ query: "{ viewer { surface } }" });
    const charset = { "content-type": "application/json; charset=utf-8" };
    expect((await send(body, charset)).data).toEqual({ viewer: { surface: "DASHBOARD" } });
    const bytes = Buffer.from(`{"query": "{ viewer { surface } } # \xff\xfe"}`, "latin1");
    expect((await send(bytes)).status).toBeLessThan(500);
  });

  it.each(["PUT", "PATCH", "DELETE", "OPTIONS"])("Bad input: refuses %s", async (method) => {
    const answer = await send(method === "OPTIONS" ? null : "{}", {}, method);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, POST");
    expect(answer.codes).toEqual(["BAD_REQUEST"]);
    await expectNothingChanged();
  });

  it("Bad input: refuses JSON nested ten thousand deep without falling over", async () => {
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    const query = "query ($x: MemberFilter) { viewer { surface } }";
    const answer = await send(`{"query": ${JSON.stringify(query)}, "variables": {"x": ${deep}}}`);
    expectRefused(answer);
  });
});

const CREATE = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { code } } }`;
const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { token userErrors { code } } }`;

describe("variables", () => {
  it.each(["2026-11-26", "26.11.2026", "2026-11-26T10:00", "now", "secret"])(
    "Bad input: tells how a moment is written, for %j, and does not quote it",
    async (moment) => {
      const query =
        "query ($until: DateTimeISO) { viewer { memberships { nodes { account { events(filter: { until: $until }) { nodes { id } } } } } } }";
      const literal = query.replace("($until: DateTimeISO)", "").replace("$until", `"${moment}"`);
      for (const answer of [
        await server.ask(query, { until: moment }, admin),
        await server.ask(literal, {}, admin),
      ]) {
        expectRefused(answer, 400);
        const { message } = answer.errors[0]!;
        expect(message).toContain("such as `2026-11-27T09:30:00Z` (RFC 3339)");
        expect(message).not.toContain(moment);
      }
    },
  );

  it.each<[string, string, Record<string, unknown>, (string | RegExp)[]]>([
    ["a required one that is missing", CREATE, {}, ["$input"]],
    ["a required one that is null", CREATE, { input: null }, ["$input"]],
    ["a required field that is missing", CREATE, { input: {} }, ["$input", "accountId"]],
    ["a required field that is null", CREATE, { input: { accountId: null } }, ["accountId"]],
    ["a field that is unknown", CREATE, { input: { accountId: "x", owner: "y" } }, ["owner"]],
    ["a text for an object", CREATE, { input: "x" }, ["$input"]],
    ["a list for an object", CREATE, { input: [] }, ["$input"]],
    ["a number for a text", CREATE, { input: { accountId: "x", description: 5 } }, ["description"]],
    [
      "an object for a text",
      CREATE,
      { input: { accountId: "x", description: {} } },
      ["description"],
    ],
    [
      "a list for a text",
      CREATE,
      { input: { accountId: "x", description: ["a"] } },
      ["description"],
    ],
    ["true for an ID", CREATE, { input: { accountId: true } }, ["accountId"]],
    ["a fraction for an ID", CREATE, { input: { accountId: 1.5 } }, ["accountId"]],
    ["no date for a date", CREATE, { input: { accountId: "x", expiresAt: "soon" } }, ["expiresAt"]],
    [
      "a day that is not",
      CREATE,
      { input: { accountId: "x", expiresAt: "2027-02-30T00:00:00Z" } },
      ["expiresAt"],
    ],
    ["a number for a date", CREATE, { input: { accountId: "x", expiresAt: 5 } }, ["expiresAt"]],
    [
      "an unknown word",
      SIGN_IN,
      { input: { email: "a", password: "b", transport: "PIGEON" } },
      ["transport"],
    ],
    [
      "a number for a word",
      SIGN_IN,
      { input: { email: "a", password: "b", transport: 1 } },
      ["transport"],
    ],
  ])("Bad input: refuses %s, and names it", async (_what, query, variables, named) => {
    const answer = await server.ask(query, variables, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
    for (const name of named) expect(answer.errors[0]!.message).toMatch(name);
    await expectNothingChanged();
  });

  it("Bad input: names the field in extensions too, down to its place in a list", async () => {
    const query = `query ($id: ID!, $filter: EventFilter) { account(id: $id) { events(filter: $filter) { nodes { id } } } }`;
    const filter = { types: ["a.v1", { x: 1 }] };
    const answer = await server.ask(query, { id: accountId, filter }, admin);
    expectRefused(answer, 400);
    expect(answer.errors[0]!.extensions).toMatchObject({ field: ["$filter", "types", "1"] });
  });

  it("Bad input: takes what is absent and optional for absent, whatever its name", async () => {
    for (const name of ["constructor", "toString", "hasOwnProperty", "valueOf", "__proto__"]) {
      const query = `query ($${name}: ID) { viewer { sessions(after: $${name}) { nodes { id } } } }`;
      const answer = await server.ask(query, {}, admin);
      expect([name, answer.errors]).toEqual([name, []]);
    }
  });

  it("Bad input: ignores variables that no operation declares", async () => {
    const answer = await server.ask("{ viewer { surface } }", { more: "x".repeat(1000) }, admin);
    expect(answer.data).toEqual({ viewer: { surface: "DASHBOARD" } });
  });
});

describe("passwords in the wrong place", () => {
  const SECRET = "hunter2hunter2hunter2";
  const LITERAL = (fields: string) => `mutation { signIn(input: { ${fields} }) { token } }`;
  const input = { email: "a@example.com", password: "b" };

  it.each<[string, string, Record<string, unknown>]>([
    ["as an enum's variable", SIGN_IN, { input: { ...input, transport: SECRET } }],
    ["as a list for an enum", SIGN_IN, { input: { ...input, transport: [SECRET] } }],
    ["as an object for a text", SIGN_IN, { input: { ...input, password: { text: SECRET } } }],
    ["as a list for a text", SIGN_IN, { input: { ...input, password: [SECRET] } }],
    ["as an object for an email", SIGN_IN, { input: { ...input, email: { password: SECRET } } }],
    ["as the whole input", SIGN_IN, { input: SECRET }],
    ["as a list of inputs", SIGN_IN, { input: [SECRET] }],
    ["as a date", CREATE, { input: { accountId: "x", expiresAt: SECRET } }],
    ["as an object for a date", CREATE, { input: { accountId: "x", expiresAt: { is: SECRET } } }],
    [
      "as a number",
      "query ($n: Int!) { viewer { sessions(first: $n) { nodes { id } } } }",
      { n: SECRET },
    ],
    [
      "as a yes or no",
      'query ($f: CredentialFilter) { account(id: "x") { credentials(filter: $f) { nodes { id } } } }',
      { f: { revoked: SECRET } },
    ],
    ["as an object for an ID", "query ($id: ID!) { node(id: $id) { id } }", { id: { is: SECRET } }],
    ["too long", SIGN_IN, { input: { ...input, password: SECRET.repeat(400) } }],
    ["with a NUL", SIGN_IN, { input: { ...input, password: `${SECRET}\0` } }],
  ])("Bad input: never come back in an error: %s", async (_what, query, variables) => {
    const answer = await server.ask(query, variables, admin);
    expectRefused(answer);
    expect(answer.text).not.toContain(SECRET);
    expect(server.log.join("")).not.toContain(SECRET);
    await expectNothingChanged();
  });

  it.each<[string, string]>([
    ["an enum", LITERAL(`email: "a", password: "b", transport: "${SECRET}"`)],
    ["an enum's bare word", LITERAL(`email: "a", password: "b", transport: ${SECRET}`)],
    ["a list for a text", LITERAL(`email: "a", password: ["${SECRET}"]`)],
    ["an object for a text", LITERAL(`email: "a", password: { is: "${SECRET}" }`)],
    ["a bare word for a text", LITERAL(`email: "a", password: ${SECRET}`)],
    ["a number", `{ viewer { sessions(first: "${SECRET}") { nodes { id } } } }`],
    [
      "a date",
      `mutation { createApiKey(input: { accountId: "x", expiresAt: "${SECRET}" }) { secret } }`,
    ],
    ["too long a text", LITERAL(`email: "a", password: "${SECRET.repeat(400)}"`)],
    ["a text where a name should be", LITERAL(`email: "a", "${SECRET}"`)],
  ])(
    "Bad input: never come back in an error, sent in the document itself as %s",
    async (_what, query) => {
      const answer = await server.ask(query, undefined, admin);
      expectRefused(answer, 400);
      expect(answer.text).not.toContain(SECRET);
      expect(server.log.join("")).not.toContain(SECRET);
      await expectNothingChanged();
    },
  );
});

describe("documents", () => {
  const nested = (levels: number) => {
    let inner = "id";
    for (let i = 0; i < levels; i++)
      inner = `owner { ... on ServiceUser { credentials(first: 1) { nodes { ${inner} } } } }`;
    return `{ account(id: "x") { credentials(first: 1) { nodes { ${inner} } } } }`;
  };

  it("Bad input: refuses what is too deep, and names the limit and the depth", async () => {
    expect((await server.ask(nested(3), undefined, admin)).codes).not.toContain(
      "QUERY_TOO_COMPLEX",
    );
    const answer = await server.ask(nested(5), undefined, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["QUERY_TOO_COMPLEX"]);
    expect(answer.errors[0]!.message).toMatch(/depth is 19.+limit is 15/);
    expect(answer.errors[0]!.extensions).toMatchObject({ limit: 15, sent: 19 });
  });

  it("Bad input: measures depth through fragments, named and inline", async () => {
    const parts = Array.from({ length: 8 }, (_, i) =>
      i === 7
        ? `fragment F7 on Credential { id }`
        : `fragment F${i} on Credential { owner { ... on ServiceUser { credentials(first: 1) { nodes { ...F${i + 1} } } } } }`,
    );
    const query = `{ account(id: "x") { credentials(first: 1) { nodes { ...F0 } } } } ${parts.join(" ")}`;
    const answer = await server.ask(query, undefined, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["QUERY_TOO_COMPLEX"]);
    expect(answer.errors[0]!.message).toContain("depth");
  });

  it.each([
    "{ viewer { ...A } } fragment A on Viewer { ...A }",
    "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
    "{ account(id: 1) { ...A } } fragment A on Account { members { nodes { user { id } credentials { nodes { owner { ... on ServiceUser { credentials { nodes { ...C } } } } } } } } } fragment C on Credential { owner { ... on ServiceUser { credentials { nodes { ...C } } } } }",
    "{ viewer { surface } } fragment A on Viewer { ...A }",
  ])("Bad input: refuses fragments that spread themselves: %s", async (query) => {
    const answer = await server.ask(query, undefined, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toContain("GRAPHQL_VALIDATION_FAILED");
  });

  it("Bad input: refuses more than 50 aliases, also those that fragments multiply", async () => {
    const aliases = (n: number) => Array.from({ length: n }, (_, i) => `a${i}: surface`).join(" ");
    expect((await server.ask(`{ viewer { ${aliases(50)} } }`, undefined, admin)).errors).toEqual(
      [],
    );
    const plain = await server.ask(`{ viewer { ${aliases(51)} } }`, undefined, admin);
    expectRefused(plain, 400);
    expect(plain.codes).toEqual(["QUERY_TOO_COMPLEX"]);
    expect(plain.errors[0]!.message).toMatch(/aliases.+51.+50/);
    const query = `{ a: viewer { ...F } b: viewer { ...F } c: viewer { ...F } } fragment F on Viewer { ${aliases(17)} }`;
    const spread = await server.ask(query, undefined, admin);
    expect(spread.codes).toEqual(["QUERY_TOO_COMPLEX"]);
    expect(spread.errors[0]!.extensions).toMatchObject({ limit: 50, sent: 54 });
  });

  it("Bad input: refuses to guess many passwords at once through aliases", async () => {
    const tries = Array.from(
      { length: 51 },
      (_, i) => `a${i}: signIn(input: { email: "${email}", password: "guess ${i}" }) { token }`,
    );
    const answer = await server.ask(`mutation { ${tries.join(" ")} }`);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["QUERY_TOO_COMPLEX"]);
    await expectNothingChanged();
  });

  it("Bad input: refuses what costs too much, and tells the cost of what does not", async () => {
    const query = (page: string) =>
      `query ${page.includes("$n") ? "($n: Int = 100)" : ""} { account(id: "${accountId}") { members${page} { nodes { credentials(last: 100) { nodes { id } } } } } }`;
    const cost = (size: number) => 1 + 1 + size * (1 + 1 + 100 * 2);
    for (const [page, variables, size] of [
      ["(first: 100)", {}, 100],
      ["(first: $n)", {}, 100],
      ["(first: $n)", { n: 100 }, 100],
      ["(first: 50)", {}, 50],
      ["", {}, 50],
      ["(first: $n)", { n: null }, 50],
      ["(last: 100)", {}, 100],
      ["(last: $n)", {}, 100],
      ["(last: 50, first: null)", {}, 50],
      ["(last: $n, first: 1)", {}, 100],
    ] as const) {
      const answer = await server.ask(query(page), variables, admin);
      expectRefused(answer, 400);
      expect(answer.codes).toEqual(["QUERY_TOO_COMPLEX"]);
      expect(answer.errors[0]!.extensions).toMatchObject({ limit: 10_000, sent: cost(size) });
    }
    for (const page of ["(first: $n)", "(last: $n)"]) {
      const fine = await server.ask(query(page), { n: 10 }, admin);
      expect(fine.errors).toEqual([]);
      expect(fine.extensions).toMatchObject({ cost: { requested: cost(10), limit: 10_000 } });
    }
  });

  const SEARCH = 2_000;
  it.each([
    ["a literal", "", '{ text: "zoe" }', {}, SEARCH],
    ["a text by variable", "($t: String)", "{ text: $t }", { t: "zoe" }, SEARCH],
    ["a text by a variable's default", '($t: String = "zoe")', "{ text: $t }", {}, SEARCH],
    ["a filter by variable", "($f: MemberFilter)", "$f", { f: { text: "zoe" } }, SEARCH],
    ["a filter by a variable's default", '($f: MemberFilter = { text: "zoe" })', "$f", {}, SEARCH],
    ["no text", "($t: String)", "{ status: ACTIVE, text: $t }", {}, 0],
    ["a text of null", "($t: String)", "{ status: ACTIVE, text: $t }", { t: null }, 0],
    ["a filter of null", "($f: MemberFilter)", "$f", { f: null }, 0],
    ["a filter without text", "($f: MemberFilter)", "$f", { f: { status: "ACTIVE" } }, 0],
    ["no filter", "($f: MemberFilter)", "$f", {}, 0],
    ["a filter's default without text", "($f: MemberFilter = { status: ACTIVE })", "$f", {}, 0],
    ["a text's default of null", "($t: String = null)", "{ text: $t }", {}, 0],
  ])("Bad input: counts a search, by %s", async (_by, head, filter, variables, more) => {
    const one = (alias = "") => `${alias}members(first: 1, filter: ${filter}) { nodes { id } }`;
    const ask = (selection: string) =>
      server.ask(
        `query ${head} { account(id: "${accountId}") { ${selection} } }`,
        variables,
        admin,
      );

    const answer = await ask(one());
    expect(answer.errors).toEqual([]);
    expect(answer.extensions).toMatchObject({ cost: { requested: 1 + 1 + 2 + more } });

    const many = await ask(times(5, (i) => one(`a${i}: `)).join(" "));
    expect(many.codes).toEqual(more ? ["QUERY_TOO_COMPLEX"] : []);
  });

  const [OBJECT, ADDRESS] = ['objectId: "mem_01jc0000000000000000000000"', 'ip: "192.0.2.7"'];
  it.each<[string, string, string, Record<string, unknown>, number]>([
    ["two conditions", "", `{ ${OBJECT}, ${ADDRESS} }`, {}, SEARCH],
    ["a condition and types", "", `{ ${ADDRESS}, types: ["signed_in.v1"] }`, {}, SEARCH],
    ["a principal's types", "", '{ principalId: "usr_x", types: ["signed_in.v1"] }', {}, 0],
    ["one condition", "", `{ ${OBJECT} }`, {}, 0],
    ["a condition and one of null", "($ip: String)", `{ ${OBJECT}, ip: $ip }`, {}, 0],
    [
      "a condition and one by variable",
      "($ip: String)",
      `{ ${OBJECT}, ip: $ip }`,
      { ip: "192.0.2.7" },
      SEARCH,
    ],
    [
      "a filter by variable",
      "($f: EventFilter)",
      "$f",
      { f: { objectId: "mem_x", ip: "192.0.2.7" } },
      SEARCH,
    ],
    [
      "a filter's default of two",
      `($f: EventFilter = { ${OBJECT}, ${ADDRESS} })`,
      "$f",
      {},
      SEARCH,
    ],
    ["a filter's default of one", `($f: EventFilter = { ${OBJECT} })`, "$f", {}, 0],
  ])(
    "Bad input: counts conditions on events that are looked through, by %s",
    async (_by, head, filter, variables, more) => {
      const answer = await server.ask(
        `query ${head} { account(id: "${accountId}") { events(first: 1, filter: ${filter}) { nodes { id } } } }`,
        variables,
        admin,
      );
      expect(answer.errors).toEqual([]);
      expect(answer.extensions).toMatchObject({ cost: { requested: 1 + 1 + 2 + more } });
    },
  );

  it("Bad input: does not take what a filter holds for a part of the document", async () => {
    const query = `query ($f: CredentialFilter) { account(id: "${accountId}") { credentials(first: 1, filter: $f) { nodes { id } } } }`;
    const answer = await server.ask(query, { f: { kind: "ObjectValue" } }, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
  });

  it("Bad input: takes a page size that is no page size for the largest", async () => {
    for (const n of [-5, 0, 101, 1e9, "10", null, 2 ** 31, 1.5]) {
      const query = `query ($n: Int!) { account(id: "${accountId}") { members(first: $n) { nodes { credentials(first: 100) { nodes { id } } } } } }`;
      const answer = await server.ask(query, { n }, admin);
      expectRefused(answer, 400);
    }
  });

  it("Bad input: refuses a document of more than 2,000 tokens", async () => {
    const named = (n: number) =>
      Array.from({ length: n }, (_, i) => `query Q${i} { viewer { surface } }`).join(" ");
    const ask = (query: string) => send(JSON.stringify({ query, operationName: "Q7" }));
    expect((await ask(named(248))).data).toEqual({ viewer: { surface: "DASHBOARD" } });
    const answer = await ask(named(251));
    expectRefused(answer, 400);
    expect(answer.errors[0]!.message).toMatch(/2000/);
    expect(answer.errors[0]!.extensions).toMatchObject({ code: "GRAPHQL_PARSE_FAILED" });
  });

  it.each([
    [
      "named",
      (i: number, n: number) => `fragment F${i} on Viewer { ${`...F${i + 1} `.repeat(n)} }`,
    ],
    [
      "inline",
      (i: number, n: number) => `fragment F${i} on Viewer { ${`... { ...F${i + 1} } `.repeat(n)} }`,
    ],
    [
      "aliased",
      (i: number, n: number) =>
        `fragment F${i} on Viewer { ${`...F${i + 1} `.repeat(n)} a${i}: surface }`,
    ],
  ])("Bad input: answers a bomb of %s fragments fast", async (_kind, fragment) => {
    for (const [levels, width] of [
      [30, 2],
      [60, 2],
      [12, 20],
      [90, 3],
    ] as const) {
      const parts = Array.from({ length: levels }, (_, i) => fragment(i, width));
      const query = `{ viewer { ...F0 } } ${parts.join(" ")} fragment F${levels} on Viewer { surface }`;
      const started = performance.now();
      const answer = await server.ask(query, undefined, admin);
      expect(performance.now() - started).toBeLessThan(1_500);
      expect(answer.status).toBeLessThan(500);
      expectRefused(answer);
    }
  });

  it("Bad input: answers fields that clash, a thousand times over, fast", async () => {
    const query = `{ ${"viewer { session { id } } ".repeat(280)} }`;
    const fields = `{ viewer { ${"sessions(first: 1) { nodes { id } } ".repeat(140)} } }`;
    for (const text of [query, fields]) {
      const started = performance.now();
      const answer = await server.ask(text, undefined, admin);
      expect(performance.now() - started).toBeLessThan(1_500);
      expect(answer.status).toBeLessThan(500);
    }
  });

  it("takes the introspection query of GraphiQL, and no deeper one", async () => {
    const options = { inputValueDeprecation: true, specifiedByUrl: true, schemaDescription: true };
    const answer = await server.ask(getIntrospectionQuery(options));
    expect(answer.errors).toEqual([]);
    const levels = 6;
    const deep = `{ __schema { types { ${"fields { type { ".repeat(levels)} name ${"} } ".repeat(levels)} } } }`;
    const started = performance.now();
    expectRefused(await server.ask(deep), 400);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

/** Texts with another limit than the default, by where they stand. */
const MAX_BYTES: Readonly<Record<string, number>> = {
  "SignInInput.email": 254,
  "SignInInput.password": 4096,
  "SignUpInput.email": 254,
  "SignUpInput.password": 4096,
  "UpdateEmailInput.email": 254,
  "VerifyEmailInput.password": 4096,
  "RequestPasswordResetInput.email": 254,
  "ResetPasswordInput.newPassword": 4096,
  "SetPasswordInput.newPassword": 4096,
  "LinkIdentityInput.returnTo": 1024,
  "ReauthenticateInput.password": 4096,
  "ReauthenticateInput.code": 64,
  "CompleteSignInInput.code": 64,
  "EnrollTotpInput.code": 64,
  "ConfirmTotpInput.code": 64,
  "DisableTotpInput.code": 64,
  "RegenerateRecoveryCodesInput.code": 64,
  "UpdatePasswordInput.currentPassword": 4096,
  "UpdatePasswordInput.newPassword": 4096,
  "CreateApiKeyInput.metadata": 4096,
  "CreateAuthtokenInput.metadata": 4096,
  "UpdateCredentialInput.metadata": 4096,
};

describe("texts", () => {
  const texts = inputPlaces().filter(({ type }) => {
    const { name } = getNamedType(type);
    return name === "String" || name === "ID";
  });
  const limitOf = ({ key, type }: InputPlace) =>
    MAX_BYTES[key] ?? (getNamedType(type).name === "ID" ? 64 : 255);

  /** The four ways a text can come: in a variable as a whole, as a leaf, as a default, written out. */
  function ways(one: InputPlace, text: string): [way: string, query: string, variables: object][] {
    const { place, arg, path, type } = one;
    const whole = inputWith(arg, path, text);
    const idOf = () => newId("Account");
    const rest = place.field.args.some(({ name }) => name === "first") && arg.name !== "first";
    const document = (args: string, variables = "") =>
      shortDocumentAt(place, { args: `${args}${rest ? ", first: 1" : ""}`, variables, idOf });
    const asLeaf = literal(inputWith(arg, path, "$leaf"), arg.type);
    const leafType = getNamedType(type).name;
    const required = path.length === 1 && arg.type.toString().endsWith("!") ? "!" : leafBang(one);
    const written = literal(whole, arg.type);
    return [
      ["variable", document(`${arg.name}: $whole`, `($whole: ${arg.type.toString()})`), { whole }],
      [
        "leaf variable",
        document(`${arg.name}: ${asLeaf}`, `($leaf: ${leafType}${required})`),
        { leaf: text },
      ],
      ["literal", document(`${arg.name}: ${written}`), {}],
      [
        "default",
        document(`${arg.name}: $whole`, `($whole: ${arg.type.toString()} = ${written})`),
        {},
      ],
      [
        "default of a leaf",
        document(
          `${arg.name}: ${asLeaf}`,
          `($leaf: ${leafType}${required} = ${JSON.stringify(text)})`,
        ),
        {},
      ],
    ];
  }

  /** Whether a variable in this place must not be null. */
  function leafBang({ arg, path }: InputPlace): string {
    let type = arg.type;
    for (const step of path.slice(1)) {
      const bare = getNamedType(type);
      if (typeof step === "number") return "!"; // [String!]
      if ("getFields" in bare) {
        type = (bare.getFields() as Record<string, { type: typeof type }>)[step]!.type;
      }
    }
    return type.toString().endsWith("!") ? "!" : "";
  }

  /** Whether the error names the field, or the variable that stands for it. */
  const names = (answer: Answer, { path }: InputPlace) => {
    const last = [...path].reverse().find((step) => typeof step === "string")!;
    const known = [last, "$leaf", ...(path.length === 1 ? ["$whole"] : [])];
    return answer.errors.some(
      ({ message, extensions }) =>
        known.some((name) => message.includes(name)) && Array.isArray(extensions?.["field"]),
    );
  };

  it("Bad input: knows the texts that the schema takes", () => {
    const keys = texts.map(({ key }) => key);
    expect(keys.length).toBeGreaterThan(35);
    expect(keys).toEqual(expect.arrayContaining(Object.keys(MAX_BYTES)));
  });

  it.each(texts.map((one) => [one.key, one] as const))(
    "Bad input: refuses %s over its limit, however it is sent",
    async (_key, one) => {
      const limit = limitOf(one);
      for (const text of ["x".repeat(limit + 1), "é".repeat(limit / 2 + 1)]) {
        const sent = Buffer.byteLength(text);
        for (const [way, query, variables] of ways(one, text)) {
          const answer = await server.ask(query, variables as Record<string, unknown>, admin);
          const about = `${way}, ${sent} bytes`;
          expect([about, answer.status, answer.codes]).toEqual([about, 400, ["BAD_USER_INPUT"]]);
          expect([about, answer.errors[0]!.extensions]).toMatchObject([about, { limit, sent }]);
          expect(answer.errors[0]!.message).toContain(String(limit));
          expect(answer.errors[0]!.message).toContain(String(sent));
          expect([about, names(answer, one)]).toEqual([about, true]);
          expect(answer.text).not.toContain("xxxxxxxx");
        }
      }
      await expectNothingChanged();
    },
  );

  it.each(texts.map((one) => [one.key, one] as const))(
    "Bad input: finds %s at its limit short enough, however it is sent",
    async (_key, one) => {
      // Nobody asks, so that nothing happens but the check.
      const limit = limitOf(one);
      for (const [way, query, variables] of ways(one, "x".repeat(limit))) {
        const answer = await server.ask(query, variables as Record<string, unknown>);
        const over = answer.errors.filter(({ message }) => /at most/.test(message));
        expect([way, over]).toEqual([way, []]);
      }
    },
  );

  it.each(texts.map((one) => [one.key, one] as const))(
    "Bad input: refuses NUL and half a surrogate pair in %s, however they are sent",
    async (_key, one) => {
      for (const text of ["a\0b", "\0", "a\ud800", "\udc00a"]) {
        for (const [way, query, variables] of ways(one, text)) {
          const answer = await server.ask(query, variables as Record<string, unknown>, admin);
          const about = `${way} ${JSON.stringify(text)}`;
          expect([about, answer.status]).toEqual([about, 400]);
          expectRefused(answer, 400);
          // What can't even be read as GraphQL has no field to name.
          if (answer.codes[0] !== "GRAPHQL_PARSE_FAILED") {
            expect([about, answer.codes]).toEqual([about, ["BAD_USER_INPUT"]]);
            expect([about, names(answer, one)]).toEqual([about, true]);
          }
        }
      }
      await expectNothingChanged();
    },
  );

  it("Bad input: refuses an ID that is a number of many digits", async () => {
    const digits = "9".repeat(200);
    const answer = await server.ask(`{ node(id: ${digits}) { id } }`, undefined, admin);
    expectRefused(answer, 400);
    expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
    const mutation = `mutation { disableMember(input: { memberId: ${digits} }) { userErrors { code } } }`;
    expect((await server.ask(mutation, undefined, admin)).codes).toEqual(["BAD_USER_INPUT"]);
    expect(statements.some((text) => text.includes(digits))).toBe(false);
  });

  it("Bad input: refuses texts in every scalar and enum that are no such thing, in 4xx", async () => {
    const others = inputPlaces().filter(({ key }) => !texts.some((text) => text.key === key));
    expect(others.length).toBeGreaterThan(10);
    for (const one of others) {
      for (const value of [
        "x".repeat(1000),
        "\0",
        {},
        [],
        1e30,
        -1,
        true,
        "1970-01-01T00:00:60Z",
      ]) {
        if (typeof value === "boolean" && getNamedType(one.type).name === "Boolean") continue;
        if (value === -1 && getNamedType(one.type).name === "Int") continue;
        // Any short text may be a text or an ID; one that nothing has reads as absent (Y3).
        const isText = typeof value === "string" && /^[\w:-]{1,64}$/.test(value);
        if (isText && /^(ID|String)$/.test(getNamedType(one.type).name)) continue;
        const { place, arg } = one;
        const whole = inputWith(arg, one.path, value);
        const query = shortDocumentAt(place, {
          args: `${arg.name}: $whole`,
          variables: `($whole: ${arg.type.toString()})`,
          idOf: () => newId("Account"),
        });
        const answer = await server.ask(query, { whole }, admin);
        const about = `${one.key} ${JSON.stringify(value).slice(0, 40)}`;
        // An empty list is a list of nothing, and GraphQL takes no list for a scalar.
        expect([about, answer.status, answer.codes]).toEqual([about, 400, ["BAD_USER_INPUT"]]);
        expect(answer.text.length).toBeLessThan(1_000);
      }
    }
    await expectNothingChanged();
    expect(others.some(({ type }) => isEnumType(type))).toBe(true);
  });
});

describe("lists", () => {
  const query = `query ($id: ID!, $types: [String!]) { account(id: $id) { events(filter: { types: $types }) { nodes { id } } } }`;

  it("Bad input: refuses more than 100 items, and names the limit", async () => {
    const types = Array.from({ length: 101 }, (_, i) => `a_${i}.v1`);
    const written = `{ account(id: "${accountId}") { events(filter: { types: ${JSON.stringify(types)} }) { nodes { id } } } }`;
    for (const [text, variables] of [
      [query, { id: accountId, types }],
      [written, {}],
    ] as const) {
      const answer = await server.ask(text, variables, admin);
      expectRefused(answer, 400);
      expect(answer.errors[0]!.extensions).toMatchObject({
        code: "BAD_USER_INPUT",
        limit: 100,
        sent: 101,
      });
      expect(answer.errors[0]!.message).toMatch(/types.+100.+101/);
    }
    const fine = await server.ask(query, { id: accountId, types: types.slice(1) }, admin);
    expect(fine.errors).toEqual([]);
  });
});

describe.each([
  ["first", "after"],
  ["last", "before"],
])("pages by `%s` and `%s`", (count, side) => {
  const sessions = `query ($n: Int) { viewer { sessions(${count}: $n) { nodes { id } } } }`;

  it.each([0, -1, 101, 2_147_483_647, -2_147_483_648])(
    "Bad input: refuses a page of %i, and names the limit",
    async (n) => {
      const written = `{ viewer { sessions(${count}: ${n}) { nodes { id } } } }`;
      for (const answer of [
        await server.ask(sessions, { n }, admin),
        await server.ask(written, undefined, admin),
      ]) {
        expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
        expect(answer.errors[0]!.message).toContain(`\`${count}\``);
        expect(answer.errors[0]!.message).toContain("100");
        expect(answer.errors[0]!.message).toContain(String(n));
        expect(answer.errors[0]!.extensions).toMatchObject({ field: [count] });
        expect(answer.data).toEqual({ viewer: null });
        expect(answer.status).toBe(200);
      }
    },
  );

  it.each([2 ** 31, 1.5, "5", 1e300])("Bad input: refuses %j as no Int", async (n) => {
    expectRefused(await server.ask(sessions, { n }, admin), 400);
    const written = `{ viewer { sessions(${count}: ${JSON.stringify(n)}) { nodes { id } } } }`;
    expectRefused(await server.ask(written, undefined, admin), 400);
  });

  it.each([
    "",
    "x",
    "1",
    "ses_",
    "ses_zzzzzzzzzzzzzzzzzzzzzzzzzz",
    "SES_01h2xcejqtf2nbrexx3vqjhp41",
    "ses_01h2xcejqtf2nbrexx3vqjhp41x",
    "' or 1=1 --",
    "bnVsbA==",
  ])("Bad input: refuses the cursor %j", async (cursor) => {
    const query = `query ($cursor: ID) { viewer { sessions(${side}: $cursor) { nodes { id } } } }`;
    const answer = await server.ask(query, { cursor }, admin);
    expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
    expect(answer.errors[0]!.extensions).toMatchObject({ field: [side] });
    expect(answer.data).toEqual({ viewer: null });
  });
});

describe("moments", () => {
  it.each([
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2026-12-31T23:59:60Z",
    "2026-01-01T00:00:00.123456789Z",
    "1969-12-31T23:59:59Z",
  ])("Bad input: takes %s or refuses it, and never falls over it", async (moment) => {
    const events = `query ($id: ID!, $f: EventFilter) { account(id: $id) { events(filter: $f) { nodes { id } } } }`;
    for (const f of [{ from: moment }, { until: moment }]) {
      const answer = await server.ask(events, { id: accountId, f }, admin);
      expect(answer.status).toBeLessThan(500);
      expect(answer.codes).not.toContain("INTERNAL_SERVER_ERROR");
    }
    const written = `{ account(id: "${accountId}") { events(filter: { from: "${moment}" }) { nodes { id } } } }`;
    expect((await server.ask(written, undefined, admin)).codes).not.toContain(
      "INTERNAL_SERVER_ERROR",
    );
  });
});

describe("headers", () => {
  const query = "{ viewer { surface } }";

  it.each([
    "",
    "Bearer",
    "Bearer ",
    "bearer x",
    "Bearer  a b",
    "Basic YTpi",
    "Digest x",
    "x",
    "Bearer gak_",
    "Bearer \u00e9",
    "Bearer gas_' or true",
    `Bearer ${"a".repeat(7_000)}`,
    "Bearer gak_00000000000000000000000000_00000000000000000000000000000000000000000000000000000000000",
  ])("Bad input: answers 401 to the Authorization %j", async (authorization) => {
    const answer = await send(JSON.stringify({ query }), { authorization });
    expectRefused(answer, 401);
    expect(answer.codes).toEqual(["UNAUTHENTICATED"]);
    await expectNothingChanged();
  });

  it("Bad input: takes cookies that make no sense for none", async () => {
    for (const cookie of [
      "__Host-gatehouse_session=",
      "__Host-gatehouse_session=%E0%A4%A",
      "__Host-gatehouse_session=%00",
      "__Host-gatehouse_session=\u00e9",
      "__Host-gatehouse_session=gas_x; __Host-gatehouse_session=gas_y",
      "=;;;==; a=b=c; __proto__=x; constructor=y",
      `__Host-gatehouse_session=${"x".repeat(7_000)}`,
      '__Host-gatehouse_session="gas_x"',
    ]) {
      const answer = await answerFrom(
        await server.fetch("/graphql", {
          method: "POST",
          headers: { "content-type": "application/json", cookie },
          body: JSON.stringify({ query }),
        }),
      );
      expect([cookie.slice(0, 50), answer.codes]).toEqual([
        cookie.slice(0, 50),
        ["UNAUTHENTICATED"],
      ]);
      expect(answer.status).toBe(200);
    }
  });

  it.each([
    ["long", "x".repeat(8_000)],
    ["long and beyond ASCII", "\u00e9".repeat(600)],
    ["beyond ASCII at the limit", "\u00ff".repeat(512)],
    ["a script", "<script>alert(1)</script>"],
    ["a formula", "=cmd|' /C calc'!A0"],
  ])("Bad input: lets a client sign in whose user agent is %s", async (_what, userAgent) => {
    const answer = await server.ask<{ signIn: { token: string } | null }>(
      `mutation ($input: SignInInput!) { signIn(input: $input) { token session { userAgent } } }`,
      { input: { email, password: PASSWORD, transport: "BEARER" } },
      { headers: { "user-agent": userAgent } },
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data?.signIn).toMatchObject({ token: expect.any(String) as unknown });
    const [row] = await sqlAsOwner<{ bytes: number }>(
      "select octet_length(user_agent) as bytes from sessions order by id desc limit 1",
    );
    expect(row!.bytes).toBeLessThanOrEqual(512);
  });

  it("Bad input: notes the use of a session by a client with such a user agent", async () => {
    const { userId } = await aMember(await anAccount(), ADMINISTRATOR);
    const { id, token } = await aSession(userId);
    await sqlAsOwner("update sessions set last_used_at = now() - interval '1 hour' where id = $1", [
      id,
    ]);
    const mark = server.log.length;
    const headers = { "user-agent": "\u00e9".repeat(600) };
    expect((await server.ask(query, undefined, { token, headers })).errors).toEqual([]);
    await new Promise((soon) => setTimeout(soon, 200));
    expect(
      server.log.slice(mark).filter((line) => line.includes("background work failed")),
    ).toEqual([]);
    const [row] = await sqlAsOwner<{ used: boolean }>(
      "select last_used_at > now() - interval '1 minute' as used from sessions where id = $1",
      [id],
    );
    expect(row!.used).toBe(true);
  });

  it("Bad input: answers headers over node's own limit with a 4xx", async () => {
    const response = await server.fetch("/graphql", {
      headers: { "user-agent": "x".repeat(20_000), accept: "application/json" },
    });
    expect(response.status).toBe(431);
    await expectRefusedByNode(response);
  });

  it("Bad input: answers what is no HTTP, and what arrives too slowly, as it answers all else", async () => {
    const slow = await serve({ requestMs: 600 });
    for (const [at, text, status] of [
      [server, "GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", 400],
      [server, "GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 400],
      [
        server,
        `GET /graphql/explorer/${"a".repeat(200)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
        414,
      ],
      [slow, "POST /graphql HTTP/1.1\r\nhost: x\r\n", 408],
    ] as const) {
      const response = await overSocket(at, text);
      expect(response.status).toBe(status);
      await expectRefusedByNode(response, at);
    }
  });

  /** Sends bytes as they are, and reads the answer until the server closes. */
  async function overSocket({ url }: Served, text: string): Promise<Response> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(text);
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    const [head = "", body] = answer.split("\r\n\r\n");
    const [line = "", ...lines] = head.split("\r\n");
    const headers = lines.map((one) => one.split(/: (.*)/, 2) as [string, string]);
    return new Response(body, { status: Number(line.split(" ")[1]), headers });
  }

  async function expectRefusedByNode(response: Response, at = server): Promise<void> {
    const id = response.headers.get("x-request-id");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      errors: [{ message: expect.any(String) as string, extensions: { code: "BAD_REQUEST" } }],
    });
    const lines = at.log.filter((line) => line.includes(id!));
    expect(lines.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([
      response.status,
    ]);
  }
});

describe("the client's address", () => {
  const PROXY = { GATEHOUSE_TRUSTED_PROXIES: "127.0.0.1, 198.51.100.0/24" };

  /** The address that a sign-in was recorded with. */
  async function addressSeen(at: Served, forwarded?: string): Promise<string | null> {
    const answer = await at.ask<{ signIn: { session: { id: string; ip: string | null } } }>(
      `mutation ($input: SignInInput!) { signIn(input: $input) { session { id ip } } }`,
      { input: { email, password: PASSWORD, transport: "BEARER" } },
      { headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded } },
    );
    expect(answer.errors).toEqual([]);
    const { ip, id } = answer.data!.signIn.session;
    const [row] = await sqlAsOwner<{ ip: string | null }>(
      "select host(ip) as ip from user_events where session_id = $1",
      [id],
    );
    expect(row!.ip).toBe(ip);
    return ip;
  }

  it("R5: comes from the socket, whatever X-Forwarded-For says, without trusted proxies", async () => {
    for (const forwarded of [
      undefined,
      "203.0.113.9",
      "203.0.113.9, 127.0.0.1",
      "junk",
      "\u00e9",
    ]) {
      expect(await addressSeen(server, forwarded)).toBe("127.0.0.1");
    }
  });

  it("R5: comes from X-Forwarded-For through trusted proxies, up to the first that is not", async () => {
    const behind = await serve({ env: PROXY });
    expect(await addressSeen(behind)).toBe("127.0.0.1");
    expect(await addressSeen(behind, "203.0.113.9")).toBe("203.0.113.9");
    // What the client itself wrote stands on the left, and is nobody's word.
    expect(await addressSeen(behind, "10.0.0.1, 203.0.113.9")).toBe("203.0.113.9");
    expect(await addressSeen(behind, "10.0.0.1, 203.0.113.9, 198.51.100.7")).toBe("203.0.113.9");
    for (const mapped of [
      "::ffff:203.0.113.9",
      "::FFFF:cb00:7109",
      "0:0:0:0:0:ffff:203.0.113.9",
      "0000:0000:0000:0000:0000:ffff:cb00:7109",
    ]) {
      expect(await addressSeen(behind, mapped)).toBe("203.0.113.9");
      // A trusted proxy is stepped over in every spelling.
      expect(await addressSeen(behind, `${mapped}, ::ffff:c633:6407`)).toBe("203.0.113.9");
    }
    expect(await addressSeen(behind, "2001:DB8::7")).toBe("2001:db8::7");
  });

  it("R5: is found where a trusted proxy writes a port behind it, as Azure's does", async () => {
    const behind = await serve({ env: PROXY });
    expect(await addressSeen(behind, "203.0.113.9:4711")).toBe("203.0.113.9");
    expect(await addressSeen(behind, "[2001:DB8::7]:443")).toBe("2001:db8::7");
    // What has a port without doubt: this is an address to its end.
    expect(await addressSeen(behind, "2001:db8::7:443")).toBe("2001:db8::7:443");
    // A trusted one further up is stepped over, and what the client wrote is still nobody's word.
    const chain = "10.0.0.1:1, 203.0.113.9:4711, 198.51.100.7:8080";
    expect(await addressSeen(behind, chain)).toBe("203.0.113.9");
    expect(await addressSeen(server, "203.0.113.9:4711")).toBe("127.0.0.1");
  });

  it("R5: is none rather than nonsense", async () => {
    const behind = await serve({ env: PROXY });
    for (const junk of [
      "junk",
      "0x7f.1",
      "010.1.1.1",
      "203.0.113.9:",
      "203.0.113.9:123456",
      "010.1.1.1:80",
      "[fe80::1%eth0]:443",
      "[203.0.113.9]:443",
      "fe80::1%eth0",
      "' or 1",
      "unknown",
    ]) {
      expect([junk, await addressSeen(behind, junk)]).toEqual([junk, null]);
    }
  });

  it("R5: ignores X-Forwarded-For from whoever is no trusted proxy", async () => {
    const behind = await serve({ env: { GATEHOUSE_TRUSTED_PROXIES: "198.51.100.0/24" } });
    expect(await addressSeen(behind, "203.0.113.9")).toBe("127.0.0.1");
  });
});

describe("anything at all", () => {
  const RUNS = { seed: 20_261_124, numRuns: 300 };

  const token = fc.constantFrom(
    ...[
      "{",
      "}",
      "(",
      ")",
      "[",
      "]",
      ":",
      "!",
      "$",
      "@",
      "=",
      "...",
      "|",
      "&",
      '"',
      '"""',
      "#",
      ",",
    ],
    ...["query", "mutation", "subscription", "fragment", "on", "viewer", "node", "account", "id"],
    ...["surface", "signIn", "input", "first", "after", "__typename", "__schema", "a:", "$a: ID!"],
    ...["1", "-0", "1e999", "null", "true", '"x"', "\\u0000", "\ud800", "é", "\0", "\ufeff"],
    ...["viewer { surface }", "{ viewer { principal { id } } }", "@skip(if: true)", "@include"],
  );
  const document = fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join(" "));
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary" }),
    fc.constant("\ud800"),
    fc.double(),
  );
  const body = fc.oneof(
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc
      .record(
        {
          query: fc.oneof(document, value),
          variables: fc.oneof(fc.dictionary(fc.string(), value), value),
          operationName: value,
          extensions: value,
        },
        { requiredKeys: [] },
      )
      .map((json) => JSON.stringify(json)),
    fc.string({ unit: "binary" }),
  );
  const headerText = fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((c) => c !== 0x7f)
      .map((c) => String.fromCharCode(c)),
    maxLength: 200,
  });
  const headers = fc.record(
    {
      accept: fc.oneof(
        headerText,
        fc.constantFrom("text/html", "application/graphql-response+json", "*/*"),
      ),
      "content-type": fc.oneof(fc.constant("application/json"), headerText),
      "apollo-require-preflight": headerText,
      "x-apollo-operation-name": headerText,
      "user-agent": headerText,
      "x-forwarded-for": headerText,
      "x-request-id": headerText,
      "if-none-match": headerText,
      origin: headerText,
      cookie: fc.oneof(
        headerText,
        headerText.map((text) => `__Host-gatehouse_session=${text}`),
      ),
      authorization: fc.oneof(
        headerText,
        headerText.map((text) => `Bearer ${text}`),
      ),
    },
    { requiredKeys: [] },
  );

  const trimmed = (given: Record<string, string>) =>
    Object.fromEntries(Object.entries(given).map(([name, text]) => [name, text.trim()]));

  async function expectNo5xx(response: Response): Promise<void> {
    const text = await response.text();
    const bad = response.status >= 500 || text.includes("INTERNAL_SERVER_ERROR");
    expect(bad && [response.status, text.slice(0, 500)]).toBe(false);
  }

  it("Bad input: no body brings about a 5xx, and none changes anything", async () => {
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        await expectNo5xx(
          await server.fetch("/graphql", {
            method: "POST",
            headers: { "content-type": "application/json", ...headersOf(admin) },
            body: Buffer.from(text),
          }),
        );
      }),
      RUNS,
    );
    await expectNothingChanged();
  });

  it("Bad input: no query string and no headers bring about a 5xx, and none changes anything", async () => {
    const search = fc
      .dictionary(
        fc.oneof(fc.constantFrom("query", "variables", "operationName", "extensions"), fc.string()),
        fc.oneof(
          document,
          value.map((one) => JSON.stringify(one)),
          fc.string({ unit: "binary" }),
        ),
        { maxKeys: 4 },
      )
      .map((pairs) =>
        Object.entries(pairs)
          .map(([name, text]) => `${escaped(name)}=${escaped(text)}`)
          .join("&"),
      );
    const raw = fc.string({
      unit: fc.constantFrom("%", "=", "&", "a", "?", "%00", "%ff", "%ud800", "[", "]"),
    });
    const method = fc.constantFrom("GET", "HEAD", "POST");
    await fc.assert(
      fc.asyncProperty(fc.oneof(search, raw), headers, method, async (query, given, how) => {
        await expectNo5xx(
          await server.fetch(`/graphql?${query}`, { method: how, headers: trimmed(given) }),
        );
      }),
      RUNS,
    );
    await expectNothingChanged();
  });

  it("Bad input: no export's parameters and no path bring about a 5xx", async () => {
    const name = fc.constantFrom(
      "format",
      "types",
      "principalId",
      "objectId",
      "ip",
      "from",
      "until",
      "x",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "ndjson",
        "csv",
        "\0",
        "a\0b",
        "2026-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
      ),
      fc.constantFrom("203.0.113.0/24", "::/0", "9999-12-31T23:59:59Z", "2026-06-30T23:59:60Z"),
    );
    const id = fc.oneof(
      fc.constant(accountId),
      fc.string({ unit: "binary" }),
      fc.constant("ac_\0"),
    );
    await fc.assert(
      fc.asyncProperty(
        id,
        fc.array(fc.tuple(name, text), { maxLength: 3 }),
        async (account, pairs) => {
          const query = pairs.map(([key, value]) => `${key}=${escaped(value)}`).join("&");
          const path = `/accounts/${escaped(account)}/events?${query}`;
          await expectNo5xx(await server.fetch(path, { headers: headersOf(admin) }));
        },
      ),
      RUNS,
    );
    await expectNothingChanged();
  });
});

/** Lone surrogates can't be percent-encoded; they go as U+FFFD. */
const escaped = (text: string) => encodeURIComponent(text.toWellFormed());
