import * as speakeasy from "speakeasy";
import { SocialProvider } from "../../src/entities/Identity";
import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, useDatabase } from "../support/database";
import { anAuthenticator, anIdentity, aSession, aUser } from "../support/factories";
import { serve, type Served } from "../support/http";
import { deliver, recipient, useMail } from "../support/mail";
import { eventually, everything } from "../support/refusals";
import {
  APP_URL,
  browserAt,
  CLIENT,
  FLOW_COOKIE,
  type OpenidProvider,
  PUBLIC_URL,
  SESSION_COOKIE,
  settingsFor,
  signInThere,
  startAt,
  startOpenidProvider,
} from "../support/social";

/** The whole way, through Gatehouse's routes and those of a real OpenID provider. */
let provider: OpenidProvider;
let server: Served;

beforeAll(useDatabase);
beforeAll(useMail);
beforeAll(async () => {
  provider = await startOpenidProvider();
  server = await serve({ env: settingsFor(provider.issuer, "http://127.0.0.1:1") });
});
afterAll(() => provider?.stop());
beforeEach(() => sqlAsOwner("delete from throttles"));

let count = 0;
const somebody = (fields: object = {}) => {
  const sub = `person-${++count}`;
  return { sub, email: `${sub}@example.com`, ...fields };
};
const usersWith = (email: string) =>
  sqlAsOwner<{ id: string; name: string }>("select * from users where email = $1", [email]);
const eventsOf = (userId: string) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [userId]);
const sessionsOf = (userId: string) =>
  sqlAsOwner<{ id: string }>("select * from sessions where user_id = $1 order by id", [userId]);
const identitiesOf = (userId: string) =>
  sqlAsOwner("select * from identities where user_id = $1 order by id", [userId]);
/** What changes wherever somebody has tried. */
const settled = async () => ({ ...(await everything()), social_flows: null });

/** A browser that has gone through Google as somebody, and where that led. */
async function throughGoogle(who: Parameters<typeof signInThere>[2], browser = browserAt(server)) {
  const there = await browser.go(startAt("google", "/settings?tab=1"));
  const page = await signInThere(browser, there, who);
  return { browser, page, url: page.url.href };
}

const viewer = `{ viewer { principal { name } session { methods }
  identities { nodes { id provider email lastUsedAt } } } }`;
const as = (cookie: string | undefined) => ({ cookie });
const sessionIn = (browser: ReturnType<typeof browserAt>) =>
  browser.cookie(PUBLIC_URL, SESSION_COOKIE);

describe("GET /sign-in/google", () => {
  it("U8: signs up whoever comes with a verified email that no user has, and signs them in", async () => {
    const who = somebody({ email: "Ida.New@Example.com" });

    const { browser, page, url } = await throughGoogle(who);

    expect(url).toBe(`${APP_URL}/settings?tab=1`);
    expect(page.status).toBe(303);
    const [user] = await usersWith("ida.new@example.com");
    expect(user).toMatchObject({
      name: `Person ${who.sub}`,
      password_hash: null,
      email_verified_at: expect.any(Date) as Date,
    });
    expect(await identitiesOf(user!.id)).toMatchObject([
      { provider: "GOOGLE", subject: who.sub, email: "Ida.New@Example.com" },
    ]);
    const [session] = await sessionsOf(user!.id);
    const system = { principal_kind: "SYSTEM", principal_id: "sign-up" };
    expect(await eventsOf(user!.id)).toMatchObject([
      { type: "user_created.v1", ...system },
      { type: "identity_linked.v1", ...system },
      { type: "signed_in.v1", principal_id: user!.id, session_id: session!.id },
    ]);
    const { data } = await server.ask(viewer, {}, as(sessionIn(browser)));
    expect(data).toMatchObject({
      viewer: {
        principal: { name: `Person ${who.sub}` },
        session: { methods: ["GOOGLE"] },
        identities: { nodes: [{ provider: "GOOGLE", email: "Ida.New@Example.com" }] },
      },
    });
  });

  it("U1, U8: keeps of a provider's name and email what can be kept", async () => {
    const who = somebody({
      name: " Ida\u202e\nNew https://evil.example ",
      email: "Ida.Intl@Exämple.com",
    });

    await throughGoogle(who);

    const [user] = await usersWith("ida.intl@xn--exmple-cua.com");
    expect(user).toMatchObject({ name: "Ida New https://evil.example" });
    expect(await identitiesOf(user!.id)).toMatchObject([{ email: "ida.intl@xn--exmple-cua.com" }]);

    const spaced = somebody({ email: " Ida.Spaced@Example.com " });
    await throughGoogle(spaced);
    const [second] = await usersWith("ida.spaced@example.com");
    expect(await identitiesOf(second!.id)).toMatchObject([{ email: "Ida.Spaced@Example.com" }]);

    const unseen = somebody({ name: "\u200b\u202e" });
    await throughGoogle(unseen);
    expect(await usersWith(unseen.email)).toMatchObject([{ name: unseen.email.split("@")[0] }]);
  });

  it("U8: writes to whoever is new in the language of their browser, and leaves it at that", async () => {
    const who = somebody();
    const accepting = (languages: string) => browserAt(server, { "accept-language": languages });

    await throughGoogle(who, accepting("de-AT,de;q=0.9,en;q=0.5"));
    expect(await usersWith(who.email)).toMatchObject([{ language: "de" }]);
    await throughGoogle(who, accepting("en"));
    expect(await usersWith(who.email)).toMatchObject([{ language: "de" }]);

    const another = somebody();
    await throughGoogle(another);
    expect(await usersWith(another.email)).toMatchObject([{ language: "en" }]);
  });

  it("U8: signs the same person in again, by the subject, whatever their email is now", async () => {
    const who = somebody();
    await throughGoogle(who);
    const [user] = await usersWith(who.email);

    const { browser, url } = await throughGoogle({ ...who, email: "elsewhere@example.com" });

    expect(url).toBe(`${APP_URL}/settings?tab=1`);
    expect(await sessionsOf(user!.id)).toHaveLength(2);
    expect(await usersWith("elsewhere@example.com")).toEqual([]);
    const { data } = await server.ask(viewer, {}, as(sessionIn(browser)));
    expect(data).toMatchObject({ viewer: { principal: { name: `Person ${who.sub}` } } });
  });

  it("U9: keeps the way in a cookie that scripts and other hosts don't get, and takes it back", async () => {
    const browser = browserAt(server);
    const begun = await browser.ask(startAt("google"));

    const [cookie] = begun.headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-gatehouse_flow=got_\w+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(begun.status).toBe(303);
    expect(begun.headers.get("cache-control")).toBe("no-store");
    expect(begun.headers.get("referrer-policy")).toBe("no-referrer");
    const there = await browser.go(begun.headers.get("location")!);
    await signInThere(browser, there, somebody());
    expect(browser.cookie(PUBLIC_URL, FLOW_COOKIE)).toBeUndefined();
    const back = browser.visited.at(-1)!;
    expect(back.url.pathname).toBe("/sign-in/google/callback");
    expect(back.headers.get("cache-control")).toBe("no-store");
    expect(back.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("U8: keeps and logs nothing of the way by which somebody could walk it", async () => {
    const who = somebody();
    const browser = browserAt(server);
    const begun = await browser.ask(startAt("google"));
    const secret = browser.cookie(PUBLIC_URL, FLOW_COOKIE)!;
    const asked = new URL(begun.headers.get("location")!).searchParams;
    expect(asked.get("code_challenge_method")).toBe("S256");
    expect(asked.get("redirect_uri")).toBe(`${PUBLIC_URL}/sign-in/google/callback`);
    const there = await browser.go(begun.headers.get("location")!);
    const { url } = await signInThere(browser, there, who);
    expect(url.href).toBe(`${APP_URL}/welcome`);

    const callback = browser.visited.find(({ url }) => url.pathname.endsWith("/callback"))!;
    const code = callback.url.searchParams.get("code")!;
    const secrets = [secret, asked.get("state")!, asked.get("nonce")!, code, CLIENT.secret];
    expect(secrets.every((one) => one.length > 15)).toBe(true);
    const kept = JSON.stringify(await everything()) + server.log.join();
    for (const one of secrets) expect(kept).not.toContain(one);
    expect(browser.visited.map((page) => page.url.href).join()).not.toContain(secret);
  });

  it("T2: asks for the code that somebody owes, and completes with it", async () => {
    const who = somebody();
    await throughGoogle(who);
    const [user] = await usersWith(who.email);
    const { secret } = await anAuthenticator(user!.id);

    const { browser, url } = await throughGoogle(who);

    expect(sessionIn(browser)).toBeUndefined();
    expect(await sessionsOf(user!.id)).toHaveLength(1);
    const [, challenge] = /^https:\/\/app\.example\.com\/sign-in#challenge=(got_\w+)$/.exec(url)!;
    const code = speakeasy.totp({ secret: secret.toString("hex"), encoding: "hex" });
    const { data } = await server.ask(
      `mutation ($input: CompleteSignInInput!) {
        completeSignIn(input: $input) { session { methods } userErrors { code } } }`,
      { input: { challenge, code } },
    );
    expect(data).toEqual({
      completeSignIn: { session: { methods: ["GOOGLE", "TOTP"] }, userErrors: [] },
    });
  });

  it("U8: refuses an email that has a user, who is told of it", async () => {
    const who = somebody();
    const user = await aUser({ email: who.email });
    const before = await settled();

    const { browser, url } = await throughGoogle(who);

    expect(url).toBe(`${APP_URL}/sign-in#error=IDENTITY_NOT_LINKED`);
    expect(sessionIn(browser)).toBeUndefined();
    expect(await settled()).toEqual(before);
    // It is told behind the answer, whose time must not say so.
    await eventually(async () => (await eventsOf(user.id)).length > 0);
    expect(await eventsOf(user.id)).toMatchObject([
      {
        type: "sign_in_refused.v1",
        principal_id: user.id,
        decision: { code: "IDENTITY_NOT_LINKED", allowed: false, methods: ["GOOGLE"] },
      },
    ]);
  });

  it("U3, U8: refuses an unverified email alike, whether or not it has a user", async () => {
    const taken = await aUser();
    const before = await settled();
    for (const email of [taken.email, somebody().email]) {
      const { url } = await throughGoogle(somebody({ email, verified: false }));
      expect(url).toBe(`${APP_URL}/sign-in#error=IDENTITY_NOT_LINKED`);
    }
    expect(await settled()).toEqual(before);
    expect(await eventsOf(taken.id)).toEqual([]);
  });

  it("U8: tells no more than a code of somebody who cancels there", async () => {
    const browser = browserAt(server);
    const there = await browser.go(startAt("google"));
    const [, cancel] = /href="([^"]+\/abort)"/.exec(there.text)!;
    const before = await settled();
    server.log.length = 0;

    const { url } = await browser.go(cancel!);

    expect(url.href).toBe(`${APP_URL}/sign-in#error=PROVIDER_FAILED`);
    expect(await settled()).toEqual(before);
    expect(server.log.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  it.each([
    ["another site", "//evil.example"],
    ["another site, as browsers read a backslash", "/\\evil.example"],
    ["a whole URL", "https://evil.example/"],
    ["no path", "settings"],
    ["a line break", "/a\r\nset-cookie: x=y"],
    ["a tab that browsers leave out", "/\t/evil.example"],
    ["a fragment", "/a#error=X"],
    ["nothing", ""],
    ["more than 1,024 bytes", `/${"a".repeat(1024)}`],
  ])(
    "U8, Bad input: comes back to no place but the frontend: not to %s",
    async (_what, returnTo) => {
      const before = await everything();

      const page = await browserAt(server).ask(startAt("google", returnTo));

      expect(page.status).toBe(400);
      expect(page.headers.getSetCookie()).toEqual([]);
      expect(JSON.parse(page.text)).toMatchObject({
        errors: [{ extensions: { code: "BAD_USER_INPUT", field: ["returnTo"] } }],
      });
      expect(await everything()).toEqual(before);
    },
  );

  it("Bad input: takes `returnTo` once, and nothing else", async () => {
    for (const query of ["?returnTo=/a&returnTo=/b", "?next=/a"]) {
      const { status, text } = await browserAt(server).ask(`${PUBLIC_URL}/sign-in/google${query}`);
      expect([query, status, text]).toEqual([
        query,
        400,
        expect.stringContaining(query.includes("next") ? "`next`" : "`returnTo`: takes one path"),
      ]);
    }
  });

  it("is not there for a provider that nobody has configured, and takes no HEAD", async () => {
    const plain = await serve();
    const before = await everything();
    const asked = [
      await plain.fetch("/sign-in/google"),
      await plain.fetch("/sign-in/google/callback?code=x&state=y"),
      await server.fetch("/sign-in/facebook"),
      await server.fetch("/sign-in/google", { method: "HEAD" }),
    ];
    expect(asked.map(({ status }) => status)).toEqual([404, 404, 404, 405]);
    expect(await everything()).toEqual(before);
  });

  it("U10: is slowed down for whoever begins on and on", async () => {
    const browser = browserAt(server);
    const pages = [];
    for (let i = 0; i < 53; i++) pages.push(await browser.ask(startAt("google")));

    const told = pages.map((page) => page.headers.get("location")!);
    expect(told.filter((url) => url.startsWith(provider.issuer))).toHaveLength(51);
    expect(told.at(-1)).toMatch(
      /^https:\/\/app\.example\.com\/sign-in#error=RATE_LIMITED&retryAfter=\d+$/,
    );
  });

  it("U10: holds nothing against a network whose people get in", async () => {
    const who = somebody();
    for (let i = 0; i < 8; i++) {
      const { url } = await throughGoogle(who);
      expect(url).toBe(`${APP_URL}/settings?tab=1`);
      // What forgives is written after the answer.
      for (let j = 0; j < 100 && (await tries()) > 0; j++)
        await new Promise((go) => setTimeout(go, 10));
    }
    expect(await tries()).toBe(0);
  });
  const tries = async () =>
    (await sqlAsOwner<{ n: number }>("select coalesce(sum(tries), 0)::int as n from throttles"))[0]!
      .n;
});

describe("linkIdentity", () => {
  const LINK = `mutation { linkIdentity(input: { provider: GOOGLE, returnTo: "/settings" }) {
    url userErrors { code message } } }`;
  const link = async (browser: ReturnType<typeof browserAt>) =>
    (await browser.graphql<{ linkIdentity: { url: string } }>(`${PUBLIC_URL}/graphql`, LINK))
      .linkIdentity.url;

  /** Goes to Google from the settings of a user, and comes back. */
  async function linked(
    userId: string,
    who: Parameters<typeof signInThere>[2],
    meanwhile?: (session: string, browser: ReturnType<typeof browserAt>) => Promise<unknown>,
  ) {
    const { id, token } = await aSession(userId);
    const browser = browserAt(server);
    browser.setCookie(PUBLIC_URL, SESSION_COOKIE, token);
    const there = await browser.go(await link(browser));
    await meanwhile?.(id, browser);
    return (await signInThere(browser, there, who)).url.href;
  }

  it("U8: links an identity to whoever is signed in, whatever its email, and mails a notice", async () => {
    const user = await aUser();
    const who = somebody({ verified: false });

    expect(await linked(user.id, who)).toBe(`${APP_URL}/settings`);

    expect(await identitiesOf(user.id)).toMatchObject([
      { provider: "GOOGLE", subject: who.sub, email: who.email, last_used_at: null },
    ]);
    expect(await eventsOf(user.id)).toMatchObject([
      {
        type: "identity_linked.v1",
        principal_id: user.id,
        session_id: (await sessionsOf(user.id))[0]!.id,
        decision: { rule: "Users link and unlink their own identities." },
      },
    ]);
    const mails = await deliver();
    expect(mails.map((mail) => [recipient(mail), mail.subject])).toEqual([
      [user.email, "There is a new way to sign in to your user account"],
    ]);
    expect(mails[0]!.text).toContain("Google");

    const { url } = await throughGoogle(who);
    expect(url).toBe(`${APP_URL}/settings?tab=1`);
    expect(await sessionsOf(user.id)).toHaveLength(2);
  });

  it("U8: leaves one that is theirs already as it is", async () => {
    const user = await aUser();
    const who = somebody();
    await anIdentity(user.id, { provider: SocialProvider.GOOGLE, subject: who.sub });
    expect(await linked(user.id, who)).toBe(`${APP_URL}/settings`);
    expect(await identitiesOf(user.id)).toHaveLength(1);
    expect(await eventsOf(user.id)).toEqual([]);
  });

  it("U8: refuses another user's identity, without saying whose", async () => {
    const [user, other] = [await aUser(), await aUser()];
    const who = somebody();
    await anIdentity(other.id, { provider: SocialProvider.GOOGLE, subject: who.sub });
    await aSession(user.id);
    const before = await everything();

    expect(await linked(user.id, who)).toBe(`${APP_URL}/settings#error=CONFLICT`);

    const after = await everything();
    expect({ ...after, social_flows: null, sessions: null }).toEqual({
      ...before,
      ...{ social_flows: null, sessions: null },
    });
  });

  it("U8: refuses where another person has signed in in that browser since, whoever is in at the provider", async () => {
    const password = "seventeen purple walruses";
    const [user, other] = [
      await aUser(),
      await aUser({ passwordHash: await hashPassword(password) }),
    ];
    const who = somebody();

    const url = await linked(user.id, who, (_session, browser) =>
      browser.graphql(
        `${PUBLIC_URL}/graphql`,
        `mutation { signIn(input: { email: "${other.email}", password: "${password}" }) {
          session { id } } }`,
      ),
    );

    expect(url).toBe(`${APP_URL}/sign-in#error=TOKEN_INVALID`);
    expect([...(await identitiesOf(user.id)), ...(await identitiesOf(other.id))]).toEqual([]);
    expect((await eventsOf(user.id)).map(({ type }) => type)).toEqual(["session_ended.v1"]);
    expect((await eventsOf(other.id)).map(({ type }) => type)).toEqual(["signed_in.v1"]);
  });

  it("U8: refuses where the same person has signed in anew: it is another session", async () => {
    const user = await aUser();
    const url = await linked(user.id, somebody(), async (_session, browser) =>
      browser.setCookie(PUBLIC_URL, SESSION_COOKIE, (await aSession(user.id)).token),
    );
    expect(url).toBe(`${APP_URL}/sign-in#error=TOKEN_INVALID`);
    expect(await identitiesOf(user.id)).toEqual([]);
  });

  it("U8: goes on where the session was proven anew meanwhile, under another token", async () => {
    const password = "seventeen purple walruses";
    const user = await aUser({ passwordHash: await hashPassword(password) });
    const url = await linked(user.id, somebody(), (_session, browser) =>
      browser.graphql(
        `${PUBLIC_URL}/graphql`,
        `mutation { reauthenticate(input: { password: "${password}" }) { session { id } } }`,
      ),
    );
    expect(url).toBe(`${APP_URL}/settings`);
    expect(await identitiesOf(user.id)).toHaveLength(1);
  });

  it("U8: is refused at once to a session that comes in no cookie, as it will not come back", async () => {
    const user = await aUser();
    const { token } = await aSession(user.id);
    const before = await everything();
    const { data } = await server.ask(LINK, {}, { token });
    expect(data).toMatchObject({
      linkIdentity: { url: null, userErrors: [{ code: "CONFLICT" }] },
    });
    expect(await everything()).toEqual(before);
  });

  it("U8: refuses once the session that began it has ended, though another is open", async () => {
    const user = await aUser();
    await aSession(user.id);
    const end = (id: string) =>
      sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);

    expect(await linked(user.id, somebody(), end)).toBe(`${APP_URL}/sign-in#error=TOKEN_INVALID`);

    expect(await identitiesOf(user.id)).toEqual([]);
    expect(await eventsOf(user.id)).toEqual([]);
  });
});

describe("socialProviders", () => {
  const query = "{ socialProviders { provider name startUrl } }";

  it("U8: tells anybody through whom they may sign in, compiled and by its resolver alike", async () => {
    const user = await aUser();
    const { token } = await aSession(user.id);
    const all = [
      { provider: "GITHUB", name: "GitHub", startUrl: `${PUBLIC_URL}/sign-in/github` },
      { provider: "GOOGLE", name: "Google", startUrl: `${PUBLIC_URL}/sign-in/google` },
    ];
    for (const sender of [{}, { token }]) {
      const { data, errors } = await server.ask(query, {}, sender);
      expect({ data, errors }).toEqual({ data: { socialProviders: all }, errors: [] });
    }
    const plain = await serve();
    expect((await plain.ask(query)).data).toEqual({ socialProviders: [] });
  });
});
