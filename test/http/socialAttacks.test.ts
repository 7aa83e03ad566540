import { generateKeyPairSync } from "node:crypto";
import { SocialProvider } from "../../src/entities/Identity";
import { newToken } from "../../src/identity/tokens";
import { sqlAsOwner, useDatabase } from "../support/database";
import { anIdentity, aSession, aUser } from "../support/factories";
import { serve, type Served } from "../support/http";
import { times } from "../support/races";
import { denials, everything } from "../support/refusals";
import {
  APP_URL,
  begin,
  browserAt,
  CLIENT,
  comeBack,
  FLOW_COOKIE,
  SESSION_COOKIE,
  HostileProvider,
  json,
  PUBLIC_URL,
  settingsFor,
  startAt,
} from "../support/social";

/** Providers that forge, swap and replay, and browsers that are sent here by strangers. */
const provider = new HostileProvider();
const other = new HostileProvider();
let server: Served;

beforeAll(useDatabase);
beforeAll(async () => {
  await Promise.all([provider.listen(), other.listen()]);
  server = await serve({ env: settingsFor(provider.url, provider.url) });
});
afterAll(() => Promise.all([provider.close(), other.close()]));
beforeEach(async () => {
  provider.reset();
  await sqlAsOwner("delete from throttles");
});

let count = 0;
const aSubject = () => `subject-${++count}`;
const claimsOf = (sub: string, fields: object = {}) => ({
  ...{ sub, email: `${sub}@example.com`, email_verified: true, name: `Person ${sub}` },
  ...fields,
});
/** The way itself is used up, whatever comes of it. */
const settled = async () => ({ ...(await everything()), social_flows: null });
const usersOf = (sub: string) =>
  sqlAsOwner<{ id: string }>(
    "select user_id as id from identities where subject = $1 and provider = 'GOOGLE'",
    [sub],
  );
const sessions = async () =>
  (await sqlAsOwner<{ n: number }>("select count(*)::int as n from sessions"))[0]!.n;

/** Comes back, and expects to be let in nowhere: nothing changed, and nothing was recorded. */
async function expectRefused(
  come: () => Promise<string>,
  code = "PROVIDER_FAILED",
  page = "/sign-in",
): Promise<void> {
  const before = [await settled(), await denials()];
  expect(await come()).toBe(`${APP_URL}${page}#error=${code}`);
  expect([await settled(), await denials()]).toEqual(before);
}

/** Goes to Google, and comes back with what it answers. */
async function signIn(claims: object = claimsOf(aSubject())): Promise<string> {
  const browser = browserAt(server);
  const authorization = await begin(browser, "google");
  provider.claims = { ...claims };
  return comeBack(browser, "google", provider.codeFor(authorization));
}

it("U8: lets in whoever the provider vouches for, so that the refusals below mean something", async () => {
  const sub = aSubject();
  expect(await signIn(claimsOf(sub))).toBe(`${APP_URL}/welcome`);
  expect(await usersOf(sub)).toHaveLength(1);
});

describe("an ID token", () => {
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const past = Math.floor(Date.now() / 1000) - 3600;

  it("U8: is refused with another's signature", async () => {
    provider.sign = (input) => provider.signWith(stranger.privateKey, input);
    await expectRefused(() => signIn());
  });

  it.each([
    ["none", () => ""],
    ["None", () => ""],
    ["HS256", (input: string) => Buffer.from(input).toString("base64url")],
  ])("U8: is refused with the algorithm %s", async (alg, sign) => {
    provider.header = { alg };
    provider.sign = sign;
    await expectRefused(() => signIn());
  });

  it("U8: is refused without a signature", async () => {
    provider.sign = () => "";
    await expectRefused(() => signIn());
  });

  it.each([
    ["of another issuer", { iss: "https://accounts.google.com" }],
    ["for another client", { aud: "somebody-else" }],
    ["for several, of whom another asked", { aud: [CLIENT.id, "other"], azp: "other" }],
    ["with another nonce", { nonce: "another" }],
    ["with no nonce", { nonce: undefined }],
    ["that has expired", { iat: past, exp: past + 300 }],
    ["that never expires", { exp: undefined }],
    ["of nobody", { sub: "" }],
    ["of no subject", { sub: undefined }],
    ["of a number", { sub: 5 }],
    ["of a subject over 255 characters", { sub: "a".repeat(256) }],
    ["of a subject that is no ASCII", { sub: "ann\u0000" }],
  ])("U8: is refused %s", async (_what, claims) => {
    await expectRefused(() => signIn({ ...claimsOf(aSubject()), ...claims }));
  });

  it("U8: is refused where there is none", async () => {
    provider.answers.set("/token", (_request, response) =>
      json(response, { access_token: "an-access-token", token_type: "bearer" }),
    );
    await expectRefused(() => signIn());
  });

  it.each([
    ["true as a text", { email_verified: "true" }],
    ["1", { email_verified: 1 }],
    ["nothing", { email_verified: undefined }],
    ["true of no email", { email: undefined }],
    ["true of what is no email", { email: "ann" }],
    ["true of two", { email: "ann@example.com, ben@example.com" }],
    ["true of a list", { email: ["ann@example.com"] }],
    ["true of an email with a NUL", { email: "a\u0000nn@example.com" }],
    ["true of 65 bytes before the @", { email: `${"a".repeat(65)}@example.com` }],
    ["true of a direction override", { email: "ann@exa\u202emple.com" }],
    ["true of one that is too long", { email: `${"a".repeat(250)}@example.com` }],
  ])("U8: vouches for no email by saying %s", async (_what, fields) => {
    await expectRefused(() => signIn(claimsOf(aSubject(), fields)), "IDENTITY_NOT_LINKED");
  });

  it("makes a name that can be kept of whatever it says", async () => {
    const names: [said: unknown, kept: string][] = [
      ["  Ida  ", "Ida"],
      ["x".repeat(5_000), "x".repeat(63)],
      ["🦄".repeat(100), "🦄".repeat(63)],
    ];
    for (const [said, kept] of names) expect([said, await nameFor(said)]).toEqual([said, kept]);
    for (const none of [undefined, null, "", " ", 5, "a\u0000b", "\ud800"]) {
      expect(await nameFor(none)).toMatch(/^subject-\d+$/);
    }
  });

  async function nameFor(name: unknown): Promise<string> {
    const sub = aSubject();
    await sqlAsOwner("delete from throttles");
    expect(await signIn(claimsOf(sub, { name }))).toBe(`${APP_URL}/welcome`);
    const [user] = await sqlAsOwner<{ name: string }>("select name from users where email = $1", [
      `${sub}@example.com`,
    ]);
    return user!.name;
  }
});

describe("the way back", () => {
  it("U8: is taken once", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    const secret = browser.cookie(PUBLIC_URL, FLOW_COOKIE)!;
    provider.claims = claimsOf(aSubject());
    expect(await comeBack(browser, "google", back)).toBe(`${APP_URL}/welcome`);

    await expectRefused(() => comeBack(browser, "google", back), "TOKEN_INVALID");
    browser.setCookie(PUBLIC_URL, FLOW_COOKIE, secret);
    await expectRefused(() => comeBack(browser, "google", back), "TOKEN_INVALID");
  });

  it("U8: is taken once, of many at the same time", async () => {
    const sub = aSubject();
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    const secret = browser.cookie(PUBLIC_URL, FLOW_COOKIE)!;
    provider.claims = claimsOf(sub);
    const before = await sessions();
    const browsers = times(5, () => {
      const one = browserAt(server);
      one.setCookie(PUBLIC_URL, FLOW_COOKIE, secret);
      return one;
    });

    const urls = await Promise.all(browsers.map((one) => comeBack(one, "google", back)));

    expect(urls.sort()).toEqual([
      ...times(4, () => `${APP_URL}/sign-in#error=TOKEN_INVALID`),
      `${APP_URL}/welcome`,
    ]);
    expect(await sessions()).toBe(before + 1);
    expect(await usersOf(sub)).toHaveLength(1);
    expect(provider.asked.filter(({ path }) => path === "/token")).toHaveLength(1);
  });

  it("U8: leads nobody in whose browser did not begin it", async () => {
    const attacker = browserAt(server);
    const back = provider.codeFor(await begin(attacker, "google"));
    provider.claims = claimsOf(aSubject());

    const victim = browserAt(server);
    await expectRefused(() => comeBack(victim, "google", back), "TOKEN_INVALID");
    await begin(victim, "google");
    await expectRefused(() => comeBack(victim, "google", back), "TOKEN_INVALID");
    expect(provider.asked.filter(({ path }) => path === "/token")).toEqual([]);
    // It is the attacker's own still, who gets in as themselves.
    expect(await comeBack(attacker, "google", back)).toBe(`${APP_URL}/welcome`);
  });

  it("U8: is not gone by an attacker's answer with the victim's state", async () => {
    const [attacker, victim] = [browserAt(server), browserAt(server)];
    const theirs = provider.codeFor(await begin(attacker, "google"));
    const mine = provider.codeFor(await begin(victim, "google"));
    provider.claims = claimsOf(aSubject());
    const swapped = new URLSearchParams({ code: theirs.get("code")!, state: mine.get("state")! });

    // The provider redeems the code for the verifier of the attacker's way alone (PKCE).
    await expectRefused(() => comeBack(victim, "google", swapped));
  });

  it.each([
    ["no state", { state: null }],
    ["an empty state", { state: "" }],
    ["another state", { state: "A".repeat(43) }],
  ])("U8: is refused with %s", async (_what, { state }) => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    if (state === null) back.delete("state");
    else back.set("state", state);
    await expectRefused(() => comeBack(browser, "google", back), "TOKEN_INVALID");
  });

  it.each([
    ["no secret", ""],
    ["what is no secret of ours", "got_x"],
    ["one that was never given", newToken("ONE_TIME", null).text],
    ["a token of another kind", newToken("SESSION", null).text],
  ])("U8: is refused with a cookie that holds %s", async (_what, secret) => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    browser.setCookie(PUBLIC_URL, FLOW_COOKIE, secret);
    await expectRefused(() => comeBack(browser, "google", back), "TOKEN_INVALID");
  });

  it("U8: is refused after ten minutes", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    await sqlAsOwner("update social_flows set expires_at = now()");
    await expectRefused(() => comeBack(browser, "google", back), "TOKEN_INVALID");
  });

  it("U8: is refused at the other provider's address", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    await expectRefused(() => comeBack(browser, "github", back), "TOKEN_INVALID");
  });

  it("U8: is refused in the name of another issuer (RFC 9207)", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    provider.claims = claimsOf(aSubject());
    back.set("iss", other.url);
    await expectRefused(() => comeBack(browser, "google", back));
    expect(provider.asked.filter(({ path }) => path === "/token")).toEqual([]);
  });

  it.each([
    ["an error", { error: "access_denied", error_description: "<script>alert(1)</script>" }],
    ["an error with a code beside it", { error: "server_error", code: "code-1" }],
    ["no code", {}],
    ["a code that is no code of theirs", { code: "x" }],
    ["an ID token beside it", { code: "x", id_token: "e30.e30." }],
    ["an encrypted answer", { response: "e30.e30." }],
  ])("U8: is refused with %s, in words of ours", async (_what, parameters) => {
    const browser = browserAt(server);
    const state = (await begin(browser, "google")).searchParams.get("state")!;
    const back = new URLSearchParams({ ...(parameters as Record<string, string>), state });
    server.log.length = 0;
    await expectRefused(() => comeBack(browser, "google", back));
    const told = server.log.join();
    expect(told).not.toContain("alert(1)");
    // The operator is told of everything but of people who say no.
    if (!("error_description" in parameters)) expect(told).toContain('"level":50');
  });

  it("U8: is refused with two codes", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    back.append("code", "another");
    await expectRefused(() => comeBack(browser, "google", back));
  });

  it("U10: is slowed down for whoever tries it on and on", async () => {
    const urls = await Promise.all(
      times(25, () => comeBack(browserAt(server), "google", new URLSearchParams("code=x&state=y"))),
    );
    expect(urls.filter((url) => url.includes("#error=TOKEN_INVALID"))).toHaveLength(21);
    expect(urls.filter((url) => /#error=RATE_LIMITED&retryAfter=\d+$/.test(url))).toHaveLength(4);
    // Whoever has begun it comes back all the same.
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    provider.claims = claimsOf(aSubject());
    expect(await comeBack(browser, "google", back)).toBe(`${APP_URL}/welcome`);
  });

  it("U8: goes on for whoever was sent there by a stranger meanwhile", async () => {
    const browser = browserAt(server);
    const back = provider.codeFor(await begin(browser, "google"));
    await comeBack(browser, "google", new URLSearchParams("state=x"));
    expect(browser.cookie(PUBLIC_URL, FLOW_COOKIE)).toBeDefined();
    provider.claims = claimsOf(aSubject());
    expect(await comeBack(browser, "google", back)).toBe(`${APP_URL}/welcome`);
    expect(browser.cookie(PUBLIC_URL, FLOW_COOKIE)).toBeUndefined();
  });
});

describe("many who come back at once", () => {
  async function comeBackAtOnce(who: object[]): Promise<string[]> {
    const ways = [];
    for (const claims of who) {
      const browser = browserAt(server);
      ways.push({ browser, claims, back: provider.codeFor(await begin(browser, "google")) });
      await sqlAsOwner("delete from throttles");
    }
    const byCode = new Map(ways.map(({ back, claims }) => [back.get("code")!, claims]));
    provider.answers.set("/token", (request, response, body) => {
      provider.claims = { ...byCode.get(new URLSearchParams(body).get("code")!) };
      provider.answers.delete("/token");
      provider.answer(request, response, body);
      provider.answers.set("/token", again);
    });
    const again = provider.answers.get("/token")!;
    return Promise.all(ways.map(({ browser, back }) => comeBack(browser, "google", back)));
  }

  it("U8: are one user where they are one person", async () => {
    for (let round = 0; round < 3; round++) {
      const sub = aSubject();
      const urls = await comeBackAtOnce(times(4, () => claimsOf(sub)));
      expect(urls).toEqual(times(4, () => `${APP_URL}/welcome`));
      expect(await usersOf(sub)).toHaveLength(1);
    }
  });

  it("U8: are one user where two have one email, and the other is told to link", async () => {
    for (let round = 0; round < 3; round++) {
      const [one, two] = [aSubject(), aSubject()];
      const email = `${one}@example.com`;
      const urls = await comeBackAtOnce([claimsOf(one), claimsOf(two, { email })]);
      expect(urls.sort()).toEqual([
        `${APP_URL}/sign-in#error=IDENTITY_NOT_LINKED`,
        `${APP_URL}/welcome`,
      ]);
      expect([...(await usersOf(one)), ...(await usersOf(two))]).toHaveLength(1);
    }
  });
});

describe("a provider", () => {
  const redirect = (to: string) => (_request: unknown, response: Parameters<typeof json>[0]) =>
    void response.writeHead(302, { location: to }).end();
  const text = (body: string) => (_request: unknown, response: Parameters<typeof json>[0]) =>
    void response.writeHead(200, { "content-type": "text/html" }).end(body);

  it.each([
    ["redirects", "/token", redirect("/elsewhere")],
    ["answers with a page", "/token", text("<p>Sorry</p>")],
    ["answers with no object", "/token", (_r: unknown, to: never) => json(to, [])],
    ["says that it is our fault", "/token", (_r: unknown, to: never) => json(to, {}, 500)],
    ["redirects to other keys", "/jwks", redirect("/elsewhere")],
    ["has no keys", "/jwks", (_r: unknown, to: never) => json(to, { keys: [] })],
    [
      "answers without end",
      "/token",
      (_r: unknown, to: Parameters<typeof json>[0]) => {
        to.writeHead(200, { "content-type": "application/json" });
        const more = () => void (to.destroyed || to.write(" ".repeat(65_536), more));
        more();
      },
    ],
  ])("U8: vouches for nobody when it %s", async (_what, path, answer) => {
    // Its own server: what was good keys before are remembered.
    const fresh = await serve({ env: settingsFor(provider.url, provider.url) });
    const browser = browserAt(fresh);
    const authorization = await begin(browser, "google");
    provider.claims = claimsOf(aSubject());
    provider.answers.set(path, answer as never);
    const started = Date.now();
    await expectRefused(() => comeBack(browser, "google", provider.codeFor(authorization)));
    // At once, and not when it has been waited for long enough.
    expect(Date.now() - started).toBeLessThan(8_000);
    expect(provider.asked.map((one) => one.path)).not.toContain("/elsewhere");
  });

  it("U8: is not waited for longer than ten seconds", async () => {
    const browser = browserAt(server);
    const authorization = await begin(browser, "google");
    provider.answers.set("/token", () => undefined);
    const started = Date.now();
    await expectRefused(() => comeBack(browser, "google", provider.codeFor(authorization)));
    expect(Date.now() - started).toBeLessThan(12_000);
  });

  it.each([
    ["of another issuer", { issuer: "http://127.0.0.1:1" }],
    ["of no issuer", { issuer: undefined }],
    ["without an address to send people to", { authorization_endpoint: undefined }],
    [
      "that sends people to no address of the web",
      { authorization_endpoint: "javascript:alert(1)" },
    ],
  ])("U8: is not gone to by metadata %s, and is once they are good", async (_what, fields) => {
    const discovery = "/.well-known/openid-configuration";
    const fresh = await serve({ env: settingsFor(other.url, other.url) });
    other.answers.set(discovery, (_request, response) =>
      json(response, {
        ...{ issuer: other.url, authorization_endpoint: `${other.url}/authorize` },
        ...{ token_endpoint: `${other.url}/token`, jwks_uri: `${other.url}/jwks` },
        ...fields,
      }),
    );
    const before = await everything();

    const page = await browserAt(fresh).ask(startAt("google"));

    expect(page.headers.get("location")).toBe(`${APP_URL}/sign-in#error=PROVIDER_FAILED`);
    expect(page.headers.getSetCookie()).toEqual([]);
    expect(await everything()).toEqual(before);
    other.reset();
    expect((await begin(browserAt(fresh), "google")).origin).toBe(other.url);
  });
});

describe("GET /sign-in/github", () => {
  const mail = (email: string, fields: object = {}) => ({
    ...{ email, primary: true, verified: true, visibility: null },
    ...fields,
  });
  let id = 583231;
  const somebody = () => ({ id: ++id, login: `octocat-${id}`, name: "Mona Lisa" });

  async function throughGitHub(user: unknown, emails: unknown): Promise<string> {
    const browser = browserAt(server);
    const authorization = await begin(browser, "github", "/welcome");
    provider.user = user;
    provider.emails = emails;
    return comeBack(browser, "github", provider.codeFor(authorization));
  }

  it("U8: asks for the email alone, with PKCE, and signs up and in by the number of a person", async () => {
    const { searchParams, origin, pathname } = await begin(browserAt(server), "github");
    expect(origin + pathname).toBe(`${provider.url}/login/oauth/authorize`);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: CLIENT.id,
      response_type: "code",
      redirect_uri: `${PUBLIC_URL}/sign-in/github/callback`,
      scope: "user:email",
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: "S256",
    });

    const user = somebody();
    const emails = [
      mail("first@example.com", { primary: false }),
      mail(`mona-${user.id}@example.com`),
    ];
    expect(await throughGitHub(user, emails)).toBe(`${APP_URL}/welcome`);
    // Renamed and with another email, they are the same person.
    const renamed = { ...user, login: "lisa", name: "Lisa" };
    expect(await throughGitHub(renamed, [mail("lisa@example.com")])).toBe(`${APP_URL}/welcome`);

    const [identity, ...more] = await sqlAsOwner(
      `select i.provider, i.email, u.name, u.email as main,
          (select array_agg(array_to_string(methods, ' ')) from sessions s where s.user_id = u.id) as methods
        from identities i join users u on u.id = i.user_id where i.subject = $1`,
      [String(user.id)],
    );
    expect(more).toEqual([]);
    expect(identity).toEqual({
      provider: "GITHUB",
      email: `mona-${user.id}@example.com`,
      main: `mona-${user.id}@example.com`,
      name: "Mona Lisa",
      methods: ["GITHUB", "GITHUB"],
    });
    expect(provider.asked.map(({ path }) => path)).toContain("/api/v3/user/emails");
    expect(server.log.join()).not.toContain("an-access-token");
  });

  it("U8: calls whoever has given no name by their login", async () => {
    const user = { ...somebody(), name: null };
    expect(await throughGitHub(user, [mail(`x-${user.id}@example.com`)])).toBe(
      `${APP_URL}/welcome`,
    );
    expect(
      await sqlAsOwner("select name from users where email = $1", [`x-${user.id}@example.com`]),
    ).toEqual([{ name: user.login }]);
  });

  it.each([
    ["a primary email that is not verified", (e: string) => [mail(e, { verified: false })]],
    ["a verified email that is not the primary one", (e: string) => [mail(e, { primary: false })]],
    ["no email", () => []],
  ])("U8: makes no user of %s", async (_what, emails) => {
    const taken = await aUser();
    for (const email of [taken.email, `${aSubject()}@example.com`]) {
      await expectRefused(() => throughGitHub(somebody(), emails(email)), "IDENTITY_NOT_LINKED");
    }
  });

  it("U8: tells GitHub's people from Google's, whatever their subject", async () => {
    const user = somebody();
    const google = await aUser();
    await anIdentity(google.id, { provider: SocialProvider.GOOGLE, subject: String(user.id) });
    expect(await throughGitHub(user, [mail(`y-${user.id}@example.com`)])).toBe(
      `${APP_URL}/welcome`,
    );
    expect(await sqlAsOwner("select from sessions where user_id = $1", [google.id])).toEqual([]);
  });

  it("U8: is not gone by a code that was made for another way (PKCE, as there is no nonce)", async () => {
    const [attacker, victim] = [browserAt(server), browserAt(server)];
    const theirs = provider.codeFor(await begin(attacker, "github"));
    const mine = provider.codeFor(await begin(victim, "github"));
    const user = somebody();
    provider.user = user;
    provider.emails = [mail(`swapped-${user.id}@example.com`)];
    mine.set("code", theirs.get("code")!);
    await expectRefused(() => comeBack(victim, "github", mine));
    expect(await comeBack(attacker, "github", theirs)).toBe(`${APP_URL}/welcome`);
  });

  it.each([
    ["without a number", { login: "octocat" }],
    ["with a text for a number", { id: "583231", login: "octocat" }],
    ["with a number that is none", { id: 0, login: "octocat" }],
    ["with a number beyond what can be told", { id: 2 ** 60, login: "octocat" }],
  ])("U8: is refused for a person %s", async (_what, user) => {
    await expectRefused(() => throughGitHub(user, [mail(`${aSubject()}@example.com`)]));
  });

  it("U8: is refused with a code that GitHub calls bad, as it says so with 200", async () => {
    provider.answers.set("/login/oauth/access_token", (_request, response) =>
      json(response, { error: "bad_verification_code", error_description: "The code is wrong." }),
    );
    await expectRefused(() => throughGitHub(somebody(), []));
  });

  it("U8: is refused where GitHub's API is away, or sends elsewhere", async () => {
    for (const status of [403, 500, 302]) {
      provider.answers.set(
        "/api/v3/user/emails",
        (_request, response) =>
          void response.writeHead(status, { location: "/elsewhere" }).end("{}"),
      );
      await expectRefused(() => throughGitHub(somebody(), []));
    }
    expect(provider.asked.map(({ path }) => path)).not.toContain("/elsewhere");
  });

  it("U8: is refused in the name of another issuer, and takes GitHub's own", async () => {
    for (const [iss, ends] of [
      ["https://evil.example", "/sign-in#error=PROVIDER_FAILED"],
      [`${provider.url}/login/oauth`, "/welcome"],
    ]) {
      const browser = browserAt(server);
      const back = provider.codeFor(await begin(browser, "github", "/welcome"));
      const user = somebody();
      provider.user = user;
      provider.emails = [mail(`z-${user.id}@example.com`)];
      back.set("iss", iss!);
      expect(await comeBack(browser, "github", back)).toBe(APP_URL + ends!);
    }
  });
});

describe("linking", () => {
  const link = `mutation { linkIdentity(input: { provider: GOOGLE, returnTo: "/settings" }) { url } }`;

  it("U8: links nothing to whoever is sent the address that an attacker was given", async () => {
    const attacker = await aUser();
    const { token: cookie } = await aSession(attacker.id);
    const { data } = await server.ask<{ linkIdentity: { url: string } }>(link, {}, { cookie });
    const authorization = new URL(data!.linkIdentity.url);
    provider.claims = claimsOf(aSubject());

    // The victim agrees there, and comes back in a browser that did not begin it.
    const victim = browserAt(server);
    await expectRefused(
      () => comeBack(victim, "google", provider.codeFor(authorization)),
      "TOKEN_INVALID",
    );
  });

  it("U8: links once, of many at the same time, and a subject to one of two users", async () => {
    for (let round = 0; round < 3; round++) {
      const sub = aSubject();
      provider.claims = claimsOf(sub);
      const ways = [];
      for (const user of [await aUser(), await aUser()]) {
        const { token } = await aSession(user.id);
        const browser = browserAt(server);
        browser.setCookie(PUBLIC_URL, SESSION_COOKIE, token);
        const { linkIdentity } = await browser.graphql<{ linkIdentity: { url: string } }>(
          `${PUBLIC_URL}/graphql`,
          link,
        );
        ways.push({ browser, back: provider.codeFor(new URL(linkIdentity.url)) });
      }
      const urls = await Promise.all(
        ways.map(({ browser, back }) => comeBack(browser, "google", back)),
      );
      expect(urls.sort()).toEqual([`${APP_URL}/settings`, `${APP_URL}/settings#error=CONFLICT`]);
      expect(await usersOf(sub)).toHaveLength(1);
      await sqlAsOwner("delete from throttles");
    }
  });
});
