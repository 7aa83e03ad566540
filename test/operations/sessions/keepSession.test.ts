import { SocialProvider } from "../../../src/entities/Identity";
import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { signUp } from "../../../src/operations/users/signUp";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  anAuthenticator,
  anIdentity,
  asNobody,
  aSession,
  aUser,
  userEventsOf,
} from "../../support/factories";
import { serve, type Served } from "../../support/http";
import { deliver, tokenIn, useMail } from "../../support/mail";
import { times } from "../../support/races";
import {
  begin,
  browserAt,
  comeBack,
  HostileProvider,
  PUBLIC_URL,
  SESSION_COOKIE,
  settingsFor,
} from "../../support/social";
import { codeAt } from "../../support/totp";

const PASSWORD = "seventeen purple walruses dance";
const provider = new HostileProvider();
let server: Served;
let passwordHash: string;

beforeAll(useDatabase);
beforeAll(useMail);
beforeAll(async () => {
  await provider.listen();
  server = await serve({ env: settingsFor(provider.url, provider.url) });
  passwordHash = await hashPassword(PASSWORD);
});
afterAll(() => provider.close());
beforeEach(() => sqlAsOwner("delete from throttles"));

type Browser = ReturnType<typeof browserAt>;
const ask = <D>(browser: Browser, mutation: string) =>
  browser.graphql<D>(`${PUBLIC_URL}/graphql`, `mutation { ${mutation} }`);

const signIn = (browser: Browser, { email }: Pick<User, "email">, transport = "COOKIE") =>
  ask<{ signIn: { challenge: { token: string } | null } }>(
    browser,
    `signIn(input: { email: "${email}", password: "${PASSWORD}", transport: ${transport} }) {
      challenge { token } }`,
  );

/** Every way by which a session gets into the cookie, as another person than the one who is in. */
const WAYS: [how: string, enter: (browser: Browser) => Promise<unknown>][] = [
  ["a password", async (browser) => signIn(browser, await aUser({ passwordHash }))],
  [
    "a code",
    async (browser) => {
      const user = await aUser({ passwordHash });
      const { secret } = await anAuthenticator(user.id);
      const { challenge } = (await signIn(browser, user)).signIn;
      await ask(
        browser,
        `completeSignIn(input: { challenge: "${challenge!.token}", code: "${codeAt(secret, Date.now())}" }) {
          session { id } }`,
      );
    },
  ],
  [
    "a confirmed sign-up",
    async (browser) => {
      await signUp(asNobody(), { email: "zoe@example.com", name: "Zoe", password: PASSWORD });
      const token = tokenIn((await deliver()).at(-1));
      await ask(
        browser,
        `verifyEmail(input: { token: "${token}", password: "${PASSWORD}" }) { session { id } }`,
      );
    },
  ],
  [
    "a provider",
    async (browser) => {
      const { subject } = await anIdentity((await aUser()).id, { provider: SocialProvider.GOOGLE });
      provider.claims = { sub: subject };
      await comeBack(browser, "google", provider.codeFor(await begin(browser, "google")));
    },
  ],
];

/** A browser with the session of a user in its cookie. */
async function signedIn(user: User) {
  const session = await aSession(user.id);
  const browser = browserAt(server);
  browser.setCookie(PUBLIC_URL, SESSION_COOKIE, session.token);
  return { browser, ...session };
}

const endedAt = async (id: string) =>
  (
    await sqlAsOwner<{ at: Date | null }>("select ended_at as at from sessions where id = $1", [id])
  )[0]!.at;
const open = (userId: string) =>
  sqlAsOwner("select from sessions where user_id = $1 and ended_at is null", [userId]);

describe("a session that is put into the browser's cookie", () => {
  it.each(WAYS)(
    "U9, E5: ends the one of another person that was there, by %s",
    async (_how, enter) => {
      const user = await aUser();
      const { browser, id, token } = await signedIn(user);
      const elsewhere = await aSession(user.id);

      await enter(browser);

      expect(browser.cookie(PUBLIC_URL, SESSION_COOKIE)).not.toBe(token);
      expect(await endedAt(id)).not.toBeNull();
      expect(await endedAt(elsewhere.id)).toBeNull();
      expect(await userEventsOf(user)).toMatchObject([
        { type: "session_ended.v1", principal_id: user.id, session_id: id, object_id: id },
      ]);
    },
  );

  it("U9: ends the same person's, each time, and leaves one", async () => {
    const user = await aUser({ passwordHash });
    const { browser } = await signedIn(user);
    for (let i = 0; i < 3; i++) await signIn(browser, user);
    expect(await open(user.id)).toHaveLength(1);
  });

  it("U9: leaves one of the many that one document opens", async () => {
    const user = await aUser({ passwordHash });
    const { browser } = await signedIn(user);
    const one = `signIn(input: { email: "${user.email}", password: "${PASSWORD}" }) { session { id } }`;
    await ask(browser, times(3, (i) => `a${i}: ${one}`).join(" "));
    expect(await open(user.id)).toHaveLength(1);
  });

  it("U9: goes in over one that many sign-ins end at once", async () => {
    const user = await aUser({ passwordHash });
    const { id, token } = await signedIn(await aUser());
    const browsers = times(4, () => browserAt(server));
    browsers.forEach((one) => one.setCookie(PUBLIC_URL, SESSION_COOKIE, token));

    await Promise.all(browsers.map((one) => signIn(one, user)));

    expect(await endedAt(id)).not.toBeNull();
    expect(await open(user.id)).toHaveLength(4);
  });

  it("leaves the one that is there where the new one goes into the answer, or nobody gets in", async () => {
    const [user, other] = [await aUser({ passwordHash }), await aUser()];
    const { browser, id, token } = await signedIn(other);

    await signIn(browser, user, "BEARER");
    await ask(
      browser,
      `signIn(input: { email: "${user.email}", password: "wrong" }) { session { id } }`,
    ).catch(() => null);

    expect(browser.cookie(PUBLIC_URL, SESSION_COOKIE)).toBe(token);
    expect(await endedAt(id)).toBeNull();
    expect(await userEventsOf(other)).toEqual([]);
  });
});
