import { SocialProvider } from "../../src/entities/Identity";
import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, useDatabase } from "../support/database";
import { aMember, anAccount, anAuthenticator, anIdentity, aUser } from "../support/factories";
import { serve, type Served } from "../support/http";
import {
  begin,
  browserAt,
  comeBack,
  HostileProvider,
  PUBLIC_URL,
  settingsFor,
} from "../support/social";
import { codeAt } from "../support/totp";

/** Every way to sign in, over HTTP, by what the person has set up and what their account requires. */
const provider = new HostileProvider();
let server: Served;
let passwordHash: string;

const PASSWORD = "correct horse battery staple";

beforeAll(useDatabase);
beforeAll(async () => {
  await provider.listen();
  server = await serve({ env: settingsFor(provider.url, provider.url) });
  passwordHash = await hashPassword(PASSWORD);
});
afterAll(() => provider.close());
beforeEach(async () => {
  provider.reset();
  await sqlAsOwner("delete from throttles");
});

let count = 7_000;
interface Person {
  email: string;
  subject: string;
}
/** What somebody has after a first proof: a session's token, or a question. */
interface Got {
  session?: string | undefined;
  challenge?: string | undefined;
}

const through = (way: "google" | "github") => async (): Promise<Got> => {
  const browser = browserAt(server);
  const url = await comeBack(browser, way, provider.codeFor(await begin(browser, way)));
  return {
    session: browser.cookie(PUBLIC_URL, "__Host-gatehouse_session"),
    challenge: /#challenge=(\w+)$/.exec(url)?.[1],
  };
};

const WAYS: [way: string, method: string, go: (person: Person) => Promise<Got>][] = [
  [
    "a password",
    "PASSWORD",
    async ({ email }) => {
      const { data } = await server.ask<{
        signIn: { token: string | null; challenge: { token: string } | null };
      }>(
        `mutation ($email: String!, $password: String!) {
          signIn(input: { email: $email, password: $password, transport: BEARER }) {
            token challenge { token } } }`,
        { email, password: PASSWORD },
      );
      const { token, challenge } = data!.signIn;
      return { session: token ?? undefined, challenge: challenge?.token };
    },
  ],
  [
    "Google",
    "GOOGLE",
    ({ subject, email }) => {
      provider.claims = { sub: subject, email, email_verified: true, name: "Ida" };
      return through("google")();
    },
  ],
  [
    "GitHub",
    "GITHUB",
    ({ subject, email }) => {
      provider.user = { id: Number(subject), login: `ida${subject}`, name: "Ida" };
      provider.emails = [{ email, verified: true, primary: true }];
      return through("github")();
    },
  ],
];

const POLICIES = [
  { on: false, required: false },
  { on: false, required: true },
  { on: true, required: false },
  { on: true, required: true },
];
const TABLE = WAYS.flatMap(([way, method, go]) =>
  POLICIES.map((policy) => ({ way, method, go, ...policy })),
);

it.each(TABLE)(
  "T2, T5: by $way, second factor on: $on, required by the account: $required",
  async ({ method, go, on, required }) => {
    const user = await aUser({ passwordHash });
    const subject = String(++count);
    for (const one of Object.values(SocialProvider)) {
      await anIdentity(user.id, { provider: one, subject });
    }
    const account = await anAccount({ mfaRequired: required });
    await aMember(account, {}, { userId: user.id });
    const secret = on && (await anAuthenticator(user.id)).secret;

    const got = await go({ email: user.email, subject });

    const sessions = () => sqlAsOwner("select from sessions where user_id = $1", [user.id]);
    expect([got.session !== undefined, got.challenge !== undefined]).toEqual([!on, on]);
    expect(await sessions()).toHaveLength(on ? 0 : 1);
    let token = got.session;
    if (secret) {
      const { data } = await server.ask<{ completeSignIn: { token: string } }>(
        `mutation ($challenge: String!, $code: String!) {
          completeSignIn(input: { challenge: $challenge, code: $code, transport: BEARER }) { token } }`,
        { challenge: got.challenge, code: codeAt(secret, Date.now()) },
      );
      token = data!.completeSignIn.token;
    }
    const { data, codes } = await server.ask(
      "query ($id: ID!) { viewer { session { methods } } account(id: $id) { id } }",
      { id: account.id },
      { token },
    );
    const shutOut = required && !on;
    expect(codes).toEqual(shutOut ? ["MFA_ENROLLMENT_REQUIRED"] : []);
    expect(data).toEqual({
      viewer: { session: { methods: on ? [method, "TOTP"] : [method] } },
      account: shutOut ? null : { id: account.id },
    });
    expect(await sessions()).toHaveLength(1);
  },
);
