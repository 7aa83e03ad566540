import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, useDatabase } from "../support/database";
import { newToken } from "../../src/identity/tokens";
import { newId } from "../../src/ids";
import { aCredential, ADMINISTRATOR, aMember, anAccount, aUser } from "../support/factories";
import { headersOf, read, serve, type Served } from "../support/http";
import { denials, everything } from "../support/refusals";

const PASSWORD = "correct horse battery staple 42";
let server: Served;
let behindProxy: Served;
let resolving: Served;

beforeAll(async () => {
  await useDatabase();
  server = await serve();
  resolving = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
  behindProxy = await serve({ env: { GATEHOUSE_TRUSTED_PROXIES: "127.0.0.1" } });
});

beforeEach(() => sqlAsOwner("delete from throttles"));

const signIn = (email: string, password: string, alias = "signIn") =>
  `${alias}: signIn(input: { email: "${email}", password: "${password}", transport: BEARER }) { token }`;

describe("guessing over HTTP", () => {
  it("U10: counts each alias of a mutation", async () => {
    const { email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const tries = Array.from({ length: 9 }, (_, i) => signIn(email, `guess ${i}`, `a${i}`));

    const { codes, status } = await server.ask(
      `mutation { ${[...tries, signIn(email, PASSWORD)].join(" ")} }`,
    );

    expect(status).toBe(200);
    expect(codes).toEqual([
      ...Array<string>(6).fill("INVALID_CREDENTIALS"),
      ...Array<string>(4).fill("RATE_LIMITED"),
    ]);
  });

  it("U10: says in how many seconds to try again, and does not tell who has a user", async () => {
    const { email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const answers = [];
    for (const one of [email, "nobody@acme.example"]) {
      for (let i = 0; i < 6; i++) await server.ask(`mutation { ${signIn(one, "a guess")} }`);
      const { errors, data } = await server.ask(`mutation { ${signIn(one, "a guess")} }`);
      answers.push({ errors, data });
    }
    expect(answers[0]!.errors).toMatchObject([
      {
        message: "Too many tries. Try again in 2 seconds.",
        extensions: { code: "RATE_LIMITED", retryAfter: 2 },
      },
    ]);
    expect(answers[1]).toEqual(answers[0]);
  });

  it("U10: keeps nobody out of a browser that they have signed in with, and gives strangers no such", async () => {
    const { email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const first = await server.ask(`mutation { ${signIn(email, PASSWORD)} }`);
    const device = first.headers.getSetCookie().find((one) => one.includes("_device="))!;
    const headers = { cookie: device.split(";", 1)[0]! };
    const guess = () => server.ask(`mutation { ${signIn(email, "a guess")} }`);
    for (let i = 0; i < 6; i++) await guess();
    const wrong = await guess();
    expect(wrong.codes).toEqual(["RATE_LIMITED"]);
    expect(wrong.headers.getSetCookie()).toEqual([]);

    const { errors } = await server.ask(`mutation { ${signIn(email, PASSWORD)} }`, {}, { headers });

    expect(errors).toEqual([]);
  });

  it("U10: goes by the address behind a proxy that is trusted, and by no other's word", async () => {
    const { email } = await aUser();
    const tryFrom = async (to: Served, ip: string) => {
      const headers = { "x-forwarded-for": ip };
      const { codes } = await to.ask(`mutation { ${signIn(email, "a guess")} }`, {}, { headers });
      return codes[0];
    };
    for (let i = 0; i < 6; i++) await tryFrom(behindProxy, "192.0.2.1");
    expect(await tryFrom(behindProxy, "192.0.2.1")).toBe("RATE_LIMITED");
    expect(await tryFrom(behindProxy, "192.0.2.2")).toBe("INVALID_CREDENTIALS");

    for (let i = 0; i < 6; i++) await tryFrom(server, `192.0.2.${i}`);
    expect(await tryFrom(server, "192.0.2.99")).toBe("RATE_LIMITED");
  });
});

describe("guessing API keys over HTTP", () => {
  const VIEWER = "{ viewer { surface } }";
  const guess = () => newToken("API_KEY", newId("Account")).text;
  const json = { "content-type": "application/json" };
  const ask = (query: string) => ({
    method: "POST",
    headers: json,
    body: JSON.stringify({ query }),
  });
  const tries = async () =>
    (await sqlAsOwner<{ tries: number }>("select tries from throttles where key like 'key %'")).map(
      (row) => row.tries,
    );

  /** Every kind of request, by its path and what is sent. */
  const REQUESTS: [kind: string, path: () => string, init: RequestInit][] = [
    ["a query", () => "/graphql", ask(VIEWER)],
    [
      "a query by GET",
      () => `/graphql?query=${encodeURIComponent(VIEWER)}`,
      {
        headers: { "apollo-require-preflight": "1" },
      },
    ],
    [
      "a mutation",
      () => "/graphql",
      ask("mutation { signOut(input: {}) { userErrors { code } } }"),
    ],
    ["what is no GraphQL", () => "/graphql", ask("{")],
    ["what does not fit the schema", () => "/graphql", ask("{ nope }")],
    ["an export", () => `/accounts/${newId("Account")}/events`, {}],
    ["a live tail", () => `/accounts/${newId("Account")}/events?follow=true`, {}],
  ];

  async function send(to: Served, path: string, init: RequestInit, token: string) {
    const answer = await to.fetch(path, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), ...headersOf({ token }) },
    });
    const { data, errors, codes } = read(await answer.text());
    const [first] = errors;
    return {
      status: answer.status,
      retryAfter: answer.headers.get("retry-after"),
      codes,
      data,
      extensions: first?.extensions,
    };
  }

  describe.each([
    ["one statement for each query", () => server],
    ["resolvers alone", () => resolving],
  ])("with %s", (_how, to) => {
    it.each(REQUESTS)("U10: slows down %s, and says for how long", async (_kind, path, init) => {
      const before = [await everything(), await denials()];
      for (let i = 1; i <= 6; i++) {
        expect(await send(to(), path(), init, guess())).toMatchObject({
          status: 401,
          codes: ["UNAUTHENTICATED"],
          retryAfter: null,
        });
        // One request is one try, however many hands it goes through.
        expect(await tries()).toEqual([i]);
      }

      const answer = await send(to(), path(), init, guess());

      expect(answer).toEqual({
        status: 429,
        retryAfter: "2",
        codes: ["RATE_LIMITED"],
        data: undefined,
        extensions: { code: "RATE_LIMITED", retryAfter: 2 },
      });
      expect([await everything(), await denials()]).toEqual(before);
    });

    it.each(REQUESTS.filter(([kind]) => !kind.includes("export") && !kind.includes("tail")))(
      "U10: counts a key that was good a moment ago: %s",
      async (_kind, path, init) => {
        const member = await aMember(await anAccount(), ADMINISTRATOR);
        const { credential, secret } = await aCredential(member);
        expect((await to().ask(VIEWER, {}, { token: secret })).status).toBe(200);
        await sqlAsOwner("update credentials set revoked_at = now() where id = $1", [
          credential.id,
        ]);

        const answers = [];
        for (let i = 0; i < 7; i++) answers.push(await send(to(), path(), init, secret));

        expect(answers.map(({ status }) => status)).toEqual([...Array<number>(6).fill(401), 429]);
        expect(answers[6]).toMatchObject({ retryAfter: "2", codes: ["RATE_LIMITED"] });
        expect(await tries()).toEqual([6]);
      },
    );

    it("U10: keeps nobody with a good key waiting, from the same address", async () => {
      const account = await anAccount();
      const { secret } = await aCredential(await aMember(account, ADMINISTRATOR));
      for (let i = 0; i < 8; i++) await to().ask(VIEWER, {}, { token: guess() });
      expect((await to().ask(VIEWER, {}, { token: guess() })).status).toBe(429);

      for (const [path, init] of [
        ["/graphql", ask(VIEWER)],
        ["/graphql", ask(VIEWER)],
        [`/accounts/${account.id}/events`, {}],
      ] as const) {
        expect(await send(to(), path, init, secret)).toMatchObject({
          status: 200,
          retryAfter: null,
        });
      }
    });
  });
});
