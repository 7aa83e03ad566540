import { Context } from "../../../src/context/context";
import { hashPassword } from "../../../src/identity/passwords";
import { confirmTotp } from "../../../src/operations/authenticators/confirmTotp";
import { disableTotp } from "../../../src/operations/authenticators/disableTotp";
import { enrollTotp } from "../../../src/operations/authenticators/enrollTotp";
import { regenerateRecoveryCodes } from "../../../src/operations/authenticators/regenerateRecoveryCodes";
import { endOtherSessions } from "../../../src/operations/sessions/endOtherSessions";
import { reauthenticate } from "../../../src/operations/sessions/reauthenticate";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import { db, sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  asNobody,
  asUser,
  aSession,
  aUser,
  REQUEST,
  services,
  withToken,
} from "../../support/factories";
import { deliver, hurry, recipient, useMail } from "../../support/mail";
import { atOnce, times } from "../../support/races";
import { denials, everything, expectDenied, expectRefused } from "../../support/refusals";
import { codeAt, fromBase32, wrongCode } from "../../support/totp";

beforeAll(useDatabase);
beforeAll(useMail);

const PASSWORD = "correct horse battery staple";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});
beforeEach(() => sqlAsOwner("delete from throttles; delete from graphile_worker._private_jobs"));

const codeNow = (secret: Buffer) => codeAt(secret, Date.now());
/** The code of a step later, for where this one was used. */
const codeNext = (secret: Buffer) => codeAt(secret, Date.now() + 30_000);

async function stored(userId: string) {
  const rows = await sqlAsOwner<{
    id: string;
    sealed_secret: Buffer | null;
    recovery_codes_left: number;
    recovery_code_hashes: Buffer[];
    confirmed_at: Date | null;
    removed_at: Date | null;
  }>("select * from authenticators where user_id = $1 order by id", [userId]);
  const [user] = await sqlAsOwner<{ mfa_enabled_at: Date | null }>(
    "select mfa_enabled_at from users where id = $1",
    [userId],
  );
  return { rows, on: user!.mfa_enabled_at !== null };
}

const typesOf = async (userId: string) =>
  (
    await sqlAsOwner<{ type: string }>(
      "select type from user_events where user_id = $1 order by id",
      [userId],
    )
  ).map(({ type }) => type);

/** A request whose background work can be waited for. */
async function waitable(userId: string, session?: Context) {
  const { principal } = session ?? (await asUser({ id: userId } as never));
  const background: Promise<unknown>[] = [];
  const ctx = new Context({
    ...{ db, services, request: REQUEST, caller: principal },
    background: (work) => void background.push(work),
  });
  return { ctx, settled: () => Promise.all(background) };
}

/** Expects a wrong code: told, recorded once, and nothing else done. */
async function expectWrong(
  userId: string,
  act: (ctx: Context) => Promise<unknown>,
  session?: Context,
) {
  const { ctx, settled } = await waitable(userId, session);
  const [before, deniedBefore] = [await everything(), (await denials()).length];
  await expect(act(ctx)).rejects.toMatchObject({ code: "MFA_INVALID" });
  await settled();
  expect(await everything()).toEqual(before);
  const noted = (await denials()).slice(deniedBefore);
  expect(noted.length).toBeLessThanOrEqual(1); // of one kind at most once a minute
  expect(noted).toMatchObject(noted.map(() => ({ type: "mfa_refused.v1", stream: userId })));
}

async function anOld(userId: string): Promise<Context> {
  const { id, token } = await aSession(userId);
  const old = new Date(Date.now() - 15 * 60_000 - 1000);
  await sqlAsOwner("update sessions set authenticated_at = $1 where id = $2", [old, id]);
  return withToken(token);
}

describe("enrollTotp, confirmTotp", () => {
  it("T1: ends the other sessions, which were opened without it", async () => {
    const user = await aUser({ passwordHash });
    const intruder = await aSession(user.id);
    const ctx = await asUser(user);
    const { setup } = await enrollTotp(ctx, null);
    const secret = fromBase32(setup.secret);

    await confirmTotp(ctx, codeNow(secret));

    await expect(withToken(intruder.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect((await typesOf(user.id)).at(-1)).toBe("session_ended.v1");
    // Whoever changes the app had it on: nobody is in without it.
    const later = await aSession(user.id);
    await sqlAsOwner("update authenticators set last_step = 0 where user_id = $1", [user.id]);
    const again = await enrollTotp(ctx, codeNow(secret));
    await confirmTotp(ctx, codeNow(fromBase32(again.setup.secret)));
    await expect(withToken(later.token)).resolves.toBeDefined();
  });

  it("T2: takes a code with the space that apps show in it", async () => {
    const user = await aUser();
    const ctx = await asUser(user);
    const { setup } = await enrollTotp(ctx, null);
    const secret = fromBase32(setup.secret);
    const code = codeNow(secret);
    await confirmTotp(ctx, ` ${code.slice(0, 3)} ${code.slice(3)}\n`);
    await sqlAsOwner("update authenticators set last_step = 0 where user_id = $1", [user.id]);
    const next = codeNow(secret);
    await expect(disableTotp(ctx, `${next.slice(0, 3)} ${next.slice(3)}`)).resolves.toBeDefined();
  });

  it("T1, T7: is on with a first code, which gives ten recovery codes", async () => {
    const user = await aUser();
    const ctx = await asUser(user);

    const { setup } = await enrollTotp(ctx, null);
    const secret = fromBase32(setup.secret);
    expect(setup.otpauthUri).toContain(`secret=${setup.secret}`);
    expect(decodeURIComponent(setup.otpauthUri)).toContain(`Gatehouse:${user.email}`);
    expect((await stored(user.id)).on).toBe(false);

    const { authenticator, recoveryCodes } = await confirmTotp(ctx, codeNow(secret));
    expect(recoveryCodes.codes).toHaveLength(10);
    for (const code of recoveryCodes.codes) expect(recoveryCodes.text).toContain(code);
    const { rows, on } = await stored(user.id);
    expect(on).toBe(true);
    expect(rows).toMatchObject([
      { id: authenticator.id, recovery_codes_left: 10, removed_at: null },
    ]);
    expect(rows[0]!.confirmed_at).not.toBeNull();
    expect(rows[0]!.sealed_secret!.includes(secret)).toBe(false);
    expect(await typesOf(user.id)).toEqual([
      "authenticator_created.v1",
      "authenticator_confirmed.v1",
      "mfa_enabled.v1",
    ]);
    const all = JSON.stringify(await everything());
    for (const secretText of [
      setup.secret,
      secret.toString("hex"),
      ...recoveryCodes.codes,
      ...recoveryCodes.codes.map((code) => code.replaceAll("-", "")),
    ]) {
      expect(all).not.toContain(secretText);
    }
    const [mail, ...more] = await deliver();
    expect(more).toEqual([]);
    expect(recipient(mail!)).toBe(user.email);
    expect(mail!.subject).toBe("Two-factor authentication is on");
  });

  it("T1: another secret each time it is asked for, of which the last counts", async () => {
    const user = await aUser();
    const ctx = await asUser(user);
    const first = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    const second = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    expect(second.equals(first)).toBe(false);
    await expectWrong(user.id, (ctx) => confirmTotp(ctx, codeNow(first)));
    await confirmTotp(ctx, codeNow(second));
    expect((await stored(user.id)).rows).toHaveLength(1);
  });

  it("T1: stays off with a wrong code, which may be tried again", async () => {
    const user = await aUser();
    const ctx = await asUser(user);
    const secret = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    await expectWrong(user.id, (ctx) => confirmTotp(ctx, wrongCode(secret)));
    await expectWrong(user.id, (ctx) => confirmTotp(ctx, ""));
    await confirmTotp(ctx, codeNow(secret));
    expect((await stored(user.id)).on).toBe(true);
  });

  it("U10: throttles wrong codes of an app that is being set up, and mails nobody of them", async () => {
    const user = await aUser({ passwordHash });
    const session = await asUser(user);
    const secret = fromBase32((await enrollTotp(session, null)).setup.secret);
    const codes: string[] = [];
    for (let i = 0; i < 8; i++) {
      const { ctx, settled } = await waitable(user.id, session);
      await confirmTotp(ctx, wrongCode(secret)).catch((error: { code: string }) =>
        codes.push(error.code),
      );
      await settled();
    }
    expect(codes).toEqual([...times(6, () => "MFA_INVALID"), "RATE_LIMITED", "RATE_LIMITED"]);
    expect(await deliver()).toEqual([]);
  });

  it("T1: has nothing to confirm before, and after", async () => {
    const user = await aUser();
    const ctx = await asUser(user);
    await expectRefused(() => confirmTotp(ctx, "123456"), { code: "CONFLICT" });
    const secret = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    await confirmTotp(ctx, codeNow(secret));
    await expectRefused(() => confirmTotp(ctx, codeNext(secret)), { code: "CONFLICT" });
  });

  it("T1, T4: has nothing to confirm of an app that was begun more than 15 minutes before", async () => {
    const user = await aUser();
    const ctx = await asUser(user);
    const secret = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    await sqlAsOwner(
      "update authenticators set created_at = now() - interval '16 minutes' where user_id = $1",
      [user.id],
    );
    await expectRefused(() => confirmTotp(ctx, codeNow(secret)), { code: "CONFLICT" });
    const again = fromBase32((await enrollTotp(ctx, null)).setup.secret);
    await confirmTotp(ctx, codeNow(again));
    expect((await stored(user.id)).rows).toHaveLength(1);
  });

  it.each<[string, (ctx: Context, code: string) => Promise<unknown>]>([
    ["endOtherSessions", (ctx) => endOtherSessions(ctx)],
    ["updatePassword", (ctx) => updatePassword(ctx, PASSWORD, "gravel-otter-lantern-58")],
    ["regenerateRecoveryCodes", (ctx, code) => regenerateRecoveryCodes(ctx, code)],
    ["disableTotp", (ctx, code) => disableTotp(ctx, code)],
  ])("T4, U7: %s voids an app that an intruder has begun to set up", async (_name, act) => {
    const user = await aUser({ passwordHash });
    const { secret, codes } = await anAuthenticator(user.id);
    const intruder = await asUser(user);
    const begun = fromBase32((await enrollTotp(intruder, codeNow(secret))).setup.secret);

    await act(await asUser(user), codes[0]!);

    expect((await stored(user.id)).rows.at(-1)).toMatchObject({
      sealed_secret: null,
      confirmed_at: null,
      removed_at: expect.any(Date) as Date,
    });
    const later = await asUser(user);
    await expectRefused(() => confirmTotp(later, codeNow(begun)), { code: "CONFLICT" });
  });

  it("T1: of many first codes at once, one turns it on", async () => {
    const user = await aUser();
    const { token } = await aSession(user.id);
    const secret = fromBase32((await enrollTotp(await withToken(token), null)).setup.secret);
    const { done, codes } = await atOnce(
      await Promise.all(
        times(5, async () => {
          const one = await withToken(token);
          return () => confirmTotp(one, codeNow(secret));
        }),
      ),
    );
    expect({ done, codes }).toEqual({ done: 1, codes: times(4, () => "CONFLICT") });
  });

  it("T1, U11: takes the code of the app that is on for another, which it then replaces", async () => {
    const user = await aUser();
    const { secret: old, codes: oldCodes } = await anAuthenticator(user.id);
    const ctx = await asUser(user);
    await expectRefused(() => enrollTotp(ctx, null), { code: "MFA_CHALLENGE", field: ["code"] });
    await expectWrong(user.id, (ctx) => enrollTotp(ctx, wrongCode(old)));

    const secret = fromBase32((await enrollTotp(ctx, codeNow(old))).setup.secret);
    expect((await stored(user.id)).rows).toMatchObject([
      { removed_at: null },
      { confirmed_at: null },
    ]);
    await confirmTotp(ctx, codeNow(secret));
    const { rows, on } = await stored(user.id);
    expect(on).toBe(true);
    expect(rows).toMatchObject([
      { sealed_secret: null, recovery_codes_left: 0, recovery_code_hashes: [] },
      { removed_at: null, recovery_codes_left: 10 },
    ]);
    expect(await typesOf(user.id)).toEqual([
      "mfa_refused.v1",
      "authenticator_created.v1",
      "authenticator_removed.v1",
      "authenticator_confirmed.v1",
    ]);
    expect((await deliver()).map(({ subject }) => subject)).toEqual([
      "Your authenticator app was replaced",
    ]);
    await expectWrong(user.id, (ctx) => disableTotp(ctx, codeNext(old)));
    await expectWrong(user.id, (ctx) => disableTotp(ctx, oldCodes[0]!));
  });
});

describe("disableTotp", () => {
  it("T4: is off with a code, and its secret is gone", async () => {
    const user = await aUser();
    const { secret } = await anAuthenticator(user.id);
    const removed = await disableTotp(await asUser(user), codeNow(secret));
    expect(removed.recoveryCodesLeft).toBe(0);
    const { rows, on } = await stored(user.id);
    expect(on).toBe(false);
    expect(rows).toMatchObject([{ sealed_secret: null, recovery_code_hashes: [] }]);
    expect(await typesOf(user.id)).toEqual(["authenticator_removed.v1", "mfa_disabled.v1"]);
    expect((await deliver()).map(({ subject }) => subject)).toEqual([
      "Two-factor authentication is off",
    ]);
  });

  it("T4, T3: is off with a recovery code too", async () => {
    const user = await aUser();
    const { codes } = await anAuthenticator(user.id);
    await disableTotp(await asUser(user), codes[3]!.toUpperCase());
    expect((await stored(user.id)).on).toBe(false);
    expect(await typesOf(user.id)).toEqual([
      "recovery_code_used.v1",
      "authenticator_removed.v1",
      "mfa_disabled.v1",
    ]);
  });

  it("T4: stays on with a wrong one, and with the one of somebody else", async () => {
    const [user, other] = [await aUser(), await aUser()];
    const { secret } = await anAuthenticator(user.id);
    const others = await anAuthenticator(other.id);
    for (const code of [wrongCode(secret), others.codes[0]!, "", "no code"]) {
      await expectWrong(user.id, (ctx) => disableTotp(ctx, code));
    }
    expect((await stored(user.id)).on).toBe(true);
    expect((await stored(other.id)).rows).toMatchObject([{ recovery_codes_left: 10 }]);
  });

  it("T4: has nothing to turn off where it is off", async () => {
    const ctx = await asUser(await aUser());
    await expectRefused(() => disableTotp(ctx, "123456"), { code: "CONFLICT" });
  });

  it("T4: of many at once, one turns it off", async () => {
    const user = await aUser();
    const { codes } = await anAuthenticator(user.id);
    const acts = await Promise.all(
      codes.slice(0, 5).map(async (code) => {
        const ctx = await asUser(user);
        return () => disableTotp(ctx, code);
      }),
    );
    const { done, codes: refused } = await atOnce(acts);
    expect({ done, refused }).toEqual({ done: 1, refused: times(4, () => "CONFLICT") });
  });
});

describe("regenerateRecoveryCodes", () => {
  it("T3: makes ten new ones, voids those before, and mails a notice", async () => {
    const user = await aUser();
    const { codes: old, secret } = await anAuthenticator(user.id);
    const { recoveryCodes, authenticator } = await regenerateRecoveryCodes(
      await asUser(user),
      codeNow(secret),
    );
    expect(authenticator.recoveryCodesLeft).toBe(10);
    expect(recoveryCodes.codes).toHaveLength(10);
    expect((await deliver()).map(({ subject }) => subject)).toEqual([
      "You have new recovery codes",
    ]);
    await expectWrong(user.id, (ctx) => disableTotp(ctx, old[0]!));
    await disableTotp(await asUser(user), recoveryCodes.codes[9]!);
  });

  it("T3: has none to make where the second factor is off", async () => {
    const ctx = await asUser(await aUser());
    await expectRefused(() => regenerateRecoveryCodes(ctx, "123456"), { code: "CONFLICT" });
  });

  it("T4: gives a session nothing for a wrong code, or one that was used", async () => {
    const user = await aUser({ passwordHash });
    const { secret } = await anAuthenticator(user.id);
    const code = codeNow(secret);
    await reauthenticate(await asUser(user), { password: PASSWORD, code });
    for (const one of [code, wrongCode(secret), "0000-0000-0000-0000"]) {
      await expectWrong(user.id, (ctx) => regenerateRecoveryCodes(ctx, one));
    }
  });

  it("T3: takes a recovery code too, and of four at once with the same one, one", async () => {
    const user = await aUser();
    const { codes } = await anAuthenticator(user.id);
    const sessions = await Promise.all(times(4, () => asUser(user)));
    const outcome = await atOnce(
      sessions.map((ctx) => () => regenerateRecoveryCodes(ctx, codes[3]!)),
    );
    expect(outcome).toEqual({ done: 1, codes: times(3, () => "MFA_INVALID") });
  });
});

describe("a code", () => {
  it("T2: works once, in whatever is done with it", async () => {
    const user = await aUser({ passwordHash });
    const { secret } = await anAuthenticator(user.id);
    const code = codeNow(secret);
    await reauthenticate(await asUser(user), { password: PASSWORD, code });
    await expectWrong(user.id, (ctx) => reauthenticate(ctx, { password: PASSWORD, code }));
    await expectWrong(user.id, (ctx) => disableTotp(ctx, code));
    // One before the last that was used is as good as used.
    await expectWrong(user.id, (ctx) => disableTotp(ctx, codeAt(secret, Date.now() - 30_000)));
    await disableTotp(await asUser(user), codeNext(secret));
  });

  it("T2, T3: of many at once with the same one, one wins", async () => {
    const user = await aUser({ passwordHash });
    const { secret, codes } = await anAuthenticator(user.id);
    for (const code of [codeNow(secret), codes[0]!]) {
      await sqlAsOwner("delete from throttles"); // four wrong ones each time
      const acts = await Promise.all(
        times(5, async () => {
          const ctx = await asUser(user);
          return () => reauthenticate(ctx, { password: PASSWORD, code });
        }),
      );
      const { done, codes: refused } = await atOnce(acts);
      expect({ done, refused }).toEqual({ done: 1, refused: times(4, () => "MFA_INVALID") });
    }
    expect((await stored(user.id)).rows).toMatchObject([{ recovery_codes_left: 9 }]);
    expect(
      (await typesOf(user.id)).filter((type) => type === "recovery_code_used.v1"),
    ).toHaveLength(1);
    const notices = (await deliver()).filter(
      ({ subject }) => subject === "A recovery code was used",
    );
    expect(notices).toHaveLength(1);
    expect(notices[0]!.text).toContain("Codes left: 9");
  });

  it("U10: is told as guessed at though guesses at the password were told the same day", async () => {
    const user = await aUser({ passwordHash });
    const { secret } = await anAuthenticator(user.id);
    const session = await asUser(user);
    const guess = async (act: (ctx: Context) => Promise<unknown>) => {
      for (let i = 0; i < 7; i++) {
        const { ctx, settled } = await waitable(user.id, session);
        await expect(act(ctx)).rejects.toBeDefined();
        await settled();
      }
    };
    await guess((ctx) => reauthenticate(ctx, { password: "a guess", code: "000000" }));
    await guess((ctx) => disableTotp(ctx, wrongCode(secret)));
    await hurry();
    expect((await deliver()).map(({ subject }) => subject).sort()).toEqual([
      "Wrong codes were entered where you are signed in",
      "Wrong passwords were entered where you are signed in",
    ]);
  });

  it("U10: is throttled, the right one too, and whoever is guessed at is told once", async () => {
    const user = await aUser();
    const { secret } = await anAuthenticator(user.id);
    const session = await asUser(user);
    for (let i = 0; i < 6; i++) {
      await expectWrong(user.id, (ctx) => disableTotp(ctx, wrongCode(secret)), session);
    }
    for (let i = 0; i < 2; i++) {
      const { ctx, settled } = await waitable(user.id, session);
      await expect(disableTotp(ctx, codeNow(secret))).rejects.toMatchObject({
        code: "RATE_LIMITED",
        details: { retryAfter: 2 },
      });
      await settled();
    }
    expect((await stored(user.id)).on).toBe(true);
    await hurry();
    expect((await deliver()).map(({ subject }) => subject)).toEqual([
      "Wrong codes were entered where you are signed in",
    ]);
  });
});

describe("whoever asks", () => {
  const acts: [string, (ctx: Context) => Promise<unknown>][] = [
    ["enrollTotp", (ctx) => enrollTotp(ctx, null)],
    ["confirmTotp", (ctx) => confirmTotp(ctx, "123456")],
    ["disableTotp", (ctx) => disableTotp(ctx, "123456")],
    ["regenerateRecoveryCodes", (ctx) => regenerateRecoveryCodes(ctx, "123456")],
  ];

  it.each(acts)("C7: needs a session, an API key is not enough: %s", async (_name, act) => {
    const account = await anAccount();
    const member = await aMember(account, ADMINISTRATOR);
    const ctx = await withToken((await aCredential(member)).secret);
    await expectDenied({ id: member.userId }, () => act(ctx), {
      action: "update User",
      code: "FORBIDDEN",
    });
    await expectRefused(() => act(asNobody()), { code: "UNAUTHENTICATED" });
  });

  it("U10: whoever has no session guesses at nothing, and keeps nobody waiting", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const { secret } = await anAuthenticator(member.userId);
    const ctx = await withToken((await aCredential(member)).secret);
    for (let i = 0; i < 8; i++) {
      await expect(disableTotp(ctx, "123456")).rejects.toMatchObject({ code: "FORBIDDEN" });
    }
    await disableTotp(await asUser({ id: member.userId } as never), codeNow(secret));
  });

  it.each(acts)("U11: needs a proof of the last 15 minutes: %s", async (_name, act) => {
    const user = await aUser();
    const ctx = await anOld(user.id);
    await expectDenied({ id: user.id }, () => act(ctx), {
      action: "update User",
      code: "REAUTHENTICATION_REQUIRED",
    });
  });
});

describe("reauthenticate, with a second factor", () => {
  it("U11, T2: takes both, and tells which it lacks", async () => {
    const user = await aUser({ passwordHash });
    const { secret } = await anAuthenticator(user.id);
    const ctx = await anOld(user.id);
    await expectRefused(() => reauthenticate(ctx, { password: PASSWORD, code: null }), {
      code: "MFA_CHALLENGE",
      field: ["code"],
    });
    await expectRefused(() => reauthenticate(ctx, { password: null, code: codeNow(secret) }), {
      code: "BAD_USER_INPUT",
      field: ["password"],
    });
    const { session } = await reauthenticate(ctx, { password: PASSWORD, code: codeNow(secret) });
    expect(session.methods).toEqual(["PASSWORD", "TOTP"]);
    expect(session.authenticatedAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it("U6, U11: takes a code alone of who has no password, and keeps how they came in", async () => {
    const user = await aUser({ passwordHash: null });
    const { codes } = await anAuthenticator(user.id);
    const { id, token } = await aSession(user.id);
    await sqlAsOwner("update sessions set methods = '{GITHUB,TOTP}' where id = $1", [id]);
    const { session } = await reauthenticate(await withToken(token), {
      password: null,
      code: codes[0]!,
    });
    expect(session.methods).toEqual(["GITHUB", "RECOVERY_CODE"]);
  });

  it("U6: sends whoever has neither to sign in again", async () => {
    const user = await aUser({ passwordHash: null });
    const ctx = await asUser(user);
    await expectRefused(() => reauthenticate(ctx, { password: PASSWORD, code: null }), {
      code: "PASSWORD_NOT_SET",
    });
  });
});
