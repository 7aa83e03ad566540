import { noteUse } from "../../../src/context/authenticate";
import { NO_BROWSER } from "../../../src/context/browser";
import { Context } from "../../../src/context/context";
import { SignInMethod } from "../../../src/entities/Session";
import { hashPassword } from "../../../src/identity/passwords";
import { disableTotp } from "../../../src/operations/authenticators/disableTotp";
import { completeSignIn } from "../../../src/operations/sessions/completeSignIn";
import { endOtherSessions } from "../../../src/operations/sessions/endOtherSessions";
import { signIn } from "../../../src/operations/sessions/signIn";
import { signOut } from "../../../src/operations/sessions/signOut";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import type { Claimant } from "../../../src/operations/steps/claimant";
import { openSession } from "../../../src/operations/steps/openSession";
import { db, sqlAsOwner, useDatabase } from "../../support/database";
import {
  anAuthenticator,
  asNobody,
  asUser,
  aUser,
  REQUEST,
  signedIn,
  services,
  withToken,
} from "../../support/factories";
import { deliver, hurry, useMail } from "../../support/mail";
import { atOnce, heldUp, times } from "../../support/races";
import { denials, eventually, everything, expectRefused } from "../../support/refusals";
import { codeAt, wrongCode } from "../../support/totp";

beforeAll(useDatabase);
beforeAll(useMail);

const PASSWORD = "correct horse battery staple";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});
beforeEach(() => sqlAsOwner("delete from throttles; delete from graphile_worker._private_jobs"));

const codeNow = (secret: Buffer) => codeAt(secret, Date.now());

/** Somebody with a second factor, who was asked for it. */
async function challenged() {
  const user = await aUser({ passwordHash });
  const { secret, codes } = await anAuthenticator(user.id);
  const { session, challenge } = await signIn(asNobody(), user.email, PASSWORD);
  expect(session).toBeNull();
  await eventually(async () => (await denials()).at(-1)?.stream === user.id);
  return { user, secret, codes, token: challenge!.token, expiresAt: challenge!.expiresAt };
}

const sessionsOf = (userId: string) =>
  sqlAsOwner("select * from sessions where user_id = $1 order by id", [userId]);

describe("signIn, with a second factor", () => {
  it("T2, E1: asks for it instead of opening a session, and records that", async () => {
    const { user, token, expiresAt } = await challenged();
    expect(await sessionsOf(user.id)).toEqual([]);
    expect(token).toMatch(/^got_/);
    expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(600_000);
    expect((await denials()).filter(({ stream }) => stream === user.id)).toMatchObject([
      { type: "sign_in_refused.v1", decision: { code: "MFA_CHALLENGE", allowed: false } },
    ]);
    expect(JSON.stringify(await everything())).not.toContain(token);
  });

  it("T2: says of a wrong password what it says of anybody's", async () => {
    const user = await aUser({ passwordHash });
    await anAuthenticator(user.id);
    await expect(signIn(asNobody(), user.email, "something else")).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });
  });
});

describe("completeSignIn", () => {
  it("T2, U9: opens the session, which tells both ways", async () => {
    const { user, secret, token } = await challenged();
    const { session } = signedIn(await completeSignIn(asNobody(), token, codeNow(secret)));
    expect(session).toMatchObject({ userId: user.id, methods: ["PASSWORD", "TOTP"] });
    expect(await sessionsOf(user.id)).toMatchObject([
      { id: session.id, methods: ["PASSWORD", "TOTP"] },
    ]);
    const events = await sqlAsOwner(
      "select * from user_events where user_id = $1 and type = 'signed_in.v1'",
      [user.id],
    );
    expect(events).toMatchObject([{ decision: { methods: ["PASSWORD", "TOTP"] } }]);
  });

  it("T3: takes a recovery code, which mails a notice", async () => {
    const { user, codes, token } = await challenged();
    const { session } = signedIn(await completeSignIn(asNobody(), token, codes[5]!));
    expect(session.methods).toEqual(["PASSWORD", "RECOVERY_CODE"]);
    const [row] = await sqlAsOwner("select * from authenticators where user_id = $1", [user.id]);
    expect(row).toMatchObject({ recovery_codes_left: 9 });
    expect((await deliver()).map(({ subject }) => subject)).toEqual(["A recovery code was used"]);
  });

  it("T2: works once", async () => {
    const { secret, codes, token } = await challenged();
    await completeSignIn(asNobody(), token, codeNow(secret));
    await expectRefused(() => completeSignIn(asNobody(), token, codes[0]!), {
      code: "TOKEN_INVALID",
      field: ["challenge"],
    });
  });

  it("T2: opens one session for many answers at once, and uses one code for them", async () => {
    const { user, codes, token } = await challenged();
    const { done, codes: refused } = await atOnce(
      codes.slice(0, 4).map((code) => () => completeSignIn(asNobody(), token, code)),
    );
    expect({ done, refused }).toEqual({ done: 1, refused: times(3, () => "TOKEN_INVALID") });
    expect(await sessionsOf(user.id)).toHaveLength(1);
    const [row] = await sqlAsOwner("select * from authenticators where user_id = $1", [user.id]);
    expect(row).toMatchObject({ recovery_codes_left: 9 });
  });

  it("T2: opens one session for many questions that are answered with one code at once", async () => {
    const { user, secret } = await challenged();
    const tokens: string[] = [];
    for (let i = 0; i < 4; i++) {
      tokens.push((await signIn(asNobody(), user.email, PASSWORD)).challenge!.token);
    }
    const code = codeNow(secret);
    const { done, codes } = await atOnce(
      tokens.map((token) => () => completeSignIn(asNobody(), token, code)),
    );
    expect({ done, codes }).toEqual({ done: 1, codes: times(3, () => "MFA_INVALID") });
    expect(await sessionsOf(user.id)).toHaveLength(1);
  });

  it("T2, E1: leaves the question as it is with a wrong code, and records that alone", async () => {
    const { user, secret, token } = await challenged();
    const before = await everything();
    const background: Promise<unknown>[] = [];
    const ctx = new Context({
      ...{ db, services, request: REQUEST, caller: null },
      background: (work) => void background.push(work),
    });
    await expect(completeSignIn(ctx, token, wrongCode(secret))).rejects.toMatchObject({
      code: "MFA_INVALID",
    });
    await Promise.all(background);
    expect(await everything()).toEqual(before);
    expect(() => ctx.principal).toThrow("Sign in");
    expect((await denials()).at(-1)).toMatchObject({
      stream: user.id,
      type: "mfa_refused.v1",
      decision: { code: "MFA_INVALID", action: "create", subject: { type: "Session" } },
    });
    await completeSignIn(asNobody(), token, codeNow(secret));
  });

  it.each(["got_x", "", "gas_0123"])("T2: refuses what is no question: %j", async (token) => {
    await expectRefused(() => completeSignIn(asNobody(), token, "123456"), {
      code: "TOKEN_INVALID",
      field: ["challenge"],
    });
  });

  it("T2: refuses one that is expired, and the token of a mail", async () => {
    const { secret, token } = await challenged();
    await sqlAsOwner("update one_time_tokens set expires_at = now() - interval '1 second'");
    const late = () => completeSignIn(asNobody(), token, codeNow(secret));
    await expectRefused(late, { code: "TOKEN_INVALID" });
    await sqlAsOwner(`update one_time_tokens set purpose = 'RESET_PASSWORD', methods = null,
      expires_at = now() + interval '1 hour'`);
    await expectRefused(late, { code: "TOKEN_INVALID" });
  });

  it("T4: is void where the second factor was turned off meanwhile", async () => {
    const { user, codes, secret, token } = await challenged();
    await disableTotp(await asUser(user), codes[0]!);
    await expectRefused(() => completeSignIn(asNobody(), token, codeNow(secret)), {
      code: "TOKEN_INVALID",
    });
    signedIn(await signIn(asNobody(), user.email, PASSWORD));
  });

  it.each([
    [
      "U7: a changed password",
      (ctx: Context) => updatePassword(ctx, PASSWORD, "nineteen orange badgers sing"),
    ],
    ["U9: ending all other sessions", (ctx: Context) => endOtherSessions(ctx)],
  ])("%s voids the question", async (_what, act) => {
    const { user, secret, token } = await challenged();
    await act(await asUser(user));
    await expectRefused(() => completeSignIn(asNobody(), token, codeNow(secret)), {
      code: "TOKEN_INVALID",
    });
  });

  it("U10: throttles guesses at codes, and tells the person whose password is known", async () => {
    const { secret, token } = await challenged();
    const seen: string[] = [];
    for (let i = 0; i < 8; i++) {
      await completeSignIn(asNobody(), token, wrongCode(secret)).catch((error: { code: string }) =>
        seen.push(error.code),
      );
    }
    expect(seen.slice(0, 6)).toEqual(times(6, () => "MFA_INVALID"));
    expect(seen.slice(6)).toEqual(["RATE_LIMITED", "RATE_LIMITED"]);
    await eventually(async () => (await everything())["jobs"] !== null);
    await hurry();
    const mails = await deliver();
    expect(mails.map(({ subject }) => subject)).toEqual([
      "Another person may be trying to sign in as you",
    ]);
    expect(mails[0]!.text).toContain("another person knows your password");
  });
});

describe("the second factor and the session", () => {
  const ways: [string, SignInMethod[]][] = [
    ["a password", [SignInMethod.PASSWORD]],
    ["GitHub", [SignInMethod.GITHUB]],
    ["Google", [SignInMethod.GOOGLE]],
  ];
  const seconds: [string, SignInMethod | null][] = [
    ["no code", null],
    ["a code", SignInMethod.TOTP],
    ["a recovery code", SignInMethod.RECOVERY_CODE],
  ];
  /** Every way to sign in, with and without a code, by who has a second factor and who has none. */
  const table = ways.flatMap(([way, first]) =>
    seconds.flatMap(([code, second]) =>
      [true, false].map((on) => ({
        ...{ way, code, on },
        methods: second ? [...first, second] : first,
        session: !on || second !== null,
      })),
    ),
  );

  it.each(table)(
    "T2: by $way with $code, second factor on: $on → session: $session",
    async ({ methods, on, session }) => {
      const user = await aUser();
      if (on) await anAuthenticator(user.id);
      const claimant: Claimant = { ...user, emailVerified: true };
      const opened = await openSession(asNobody(), claimant, methods);
      expect(opened.session !== null).toBe(session);
      expect(opened.challenge === null).toBe(session);
      expect(await sessionsOf(user.id)).toHaveLength(session ? 1 : 0);
    },
  );

  it("T2: opens none for whoever turned it on meanwhile", async () => {
    const user = await aUser({ passwordHash });
    const outcome = await heldUp(
      () => sqlAsOwner("update users set mfa_enabled_at = now() where id = $1", [user.id]),
      () => signIn(asNobody(), user.email, PASSWORD),
    );
    expect(outcome).toMatchObject({ status: "fulfilled", value: { session: null } });
    expect(await sessionsOf(user.id)).toEqual([]);
  });
});

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";

describe("a new device", () => {
  const from = (ip: string, userAgent: string, device: string | null) =>
    new Context({
      ...{ db, services, caller: null, request: { id: "req_test", ip, userAgent } },
      browser: {
        ...NO_BROWSER,
        keepDevice: () => (device ? Buffer.alloc(32, device) : null),
      },
    });
  const notices = async () =>
    (await deliver()).filter(({ subject }) => subject === "A sign-in on a new device");

  it("U9: is told by mail; the first and those known are not", async () => {
    const user = await aUser({ passwordHash });
    await signIn(from("192.0.2.1", "Firefox", "a"), user.email, PASSWORD);
    expect(await notices()).toEqual([]);
    // The same browser elsewhere; then the same program from the same network, without cookies.
    await signIn(from("203.0.113.9", "Firefox 2", "a"), user.email, PASSWORD);
    await signIn(from("192.0.2.1", "Firefox", null), user.email, PASSWORD);
    expect(await notices()).toEqual([]);

    await signIn(from("198.51.100.7", FIREFOX, "b"), user.email, PASSWORD);
    const [notice, ...more] = await notices();
    expect(more).toEqual([]);
    expect(notice!.text).toContain("198.51.100.7");
    expect(notice!.text).toContain("It was Firefox on Windows.");
  });

  it.each(["lives", "has ended"])(
    "U9: is not made known by a stolen session that was used there, and %s",
    async (state) => {
      const user = await aUser({ passwordHash });
      const opened = await signIn(from("192.0.2.1", "Firefox", "a"), user.email, PASSWORD);
      const { principal } = await withToken(signedIn(opened).token);
      const thief = from("198.51.100.7", "Curl", null);
      await sqlAsOwner("update sessions set last_used_at = now() - interval '2 min'");
      await noteUse(db, principal, null, thief.request);
      const [used] = await sqlAsOwner("select host(ip) as ip from sessions where user_id = $1", [
        user.id,
      ]);
      expect(used).toEqual({ ip: thief.request.ip });
      if (state === "has ended") await signOut(await withToken(signedIn(opened).token));

      await signIn(thief, user.email, PASSWORD);

      expect(await notices()).toHaveLength(1);
      // What its owner signed in with stays known.
      await signIn(from("192.0.2.1", "Firefox", null), user.email, PASSWORD);
      expect(await notices()).toEqual([]);
    },
  );

  it("U9: puts nothing of a chosen User-Agent into the mail", async () => {
    const user = await aUser({ passwordHash });
    await signIn(from("192.0.2.1", FIREFOX, "a"), user.email, PASSWORD);
    const evil = "Verify-at-https://evil.example/x/1.0 (http://evil.example; evil.example)";
    await signIn(from("198.51.100.7", evil, "b"), user.email, PASSWORD);

    const [notice] = await notices();

    expect(`${notice!.text} ${String(notice!.html)}`).not.toMatch(/evil|verify/i);
    expect(notice!.text).toContain("We do not know which browser or program it was.");
  });

  it("U9: is told only where a session began", async () => {
    const user = await aUser({ passwordHash });
    signedIn(await signIn(from("192.0.2.1", "Firefox", "a"), user.email, PASSWORD));
    const { secret } = await anAuthenticator(user.id);
    const elsewhere = from("198.51.100.7", "Curl", null);
    const { challenge } = await signIn(elsewhere, user.email, PASSWORD);
    expect(await notices()).toEqual([]);
    const opened = await completeSignIn(elsewhere, challenge!.token, codeNow(secret));
    expect(await notices()).toHaveLength(1);
    await expect(withToken(signedIn(opened).token)).resolves.toBeDefined();
  });
});
