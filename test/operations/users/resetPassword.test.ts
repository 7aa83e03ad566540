import type { ParsedMail } from "mailparser";
import { NO_BROWSER } from "../../../src/context/browser";
import { Context } from "../../../src/context/context";
import { SocialProvider } from "../../../src/entities/Identity";
import { countTry } from "../../../src/identity/throttle";
import { endUserSessions } from "../../../src/operations/sessions/endUserSessions";
import { signUp } from "../../../src/operations/users/signUp";
import { updateEmail } from "../../../src/operations/users/updateEmail";
import { verifyEmail } from "../../../src/operations/users/verifyEmail";
import { hashPassword } from "../../../src/identity/passwords";
import type { User } from "../../../src/entities/User";
import { signIn } from "../../../src/operations/sessions/signIn";
import { requestPasswordReset } from "../../../src/operations/users/requestPasswordReset";
import { resetPassword } from "../../../src/operations/users/resetPassword";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import { db, sqlAsOwner, statements, useDatabase } from "../../support/database";
import {
  anIdentity,
  asNobody,
  asOperator,
  aSession,
  REQUEST,
  aUser,
  base,
  withToken,
  signedIn,
} from "../../support/factories";
import {
  APP_URL,
  deliver,
  hurry,
  recipient,
  refuseNextMail,
  tokenIn,
  useMail,
} from "../../support/mail";
import { atOnce, codeOf, times } from "../../support/races";
import { expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(() => sqlAsOwner("delete from throttles"));

const OLD = "correct horse battery staple";
const NEW = "seventeen purple walruses dance";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(OLD);
});

const eventsOf = (user: User) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [user.id]);

/** Has a link mailed and gives its token. */
async function tokenFor({ email }: User): Promise<string> {
  await requestPasswordReset(asNobody(), email);
  return tokenIn(
    (await deliver()).find(
      (mail) => recipient(mail) === email && mail.subject === "Choose a new password",
    ),
  );
}

describe("requestPasswordReset", () => {
  it("U3: runs the same statements, whether or not the email has a user; none looks", async () => {
    const user = await aUser({ passwordHash });
    const runs: string[][] = [];
    for (const email of [user.email, "nobody@example.com"]) {
      statements.length = 0;
      expect(await requestPasswordReset(asNobody(), ` ${email.toUpperCase()}`)).toBe(email);
      runs.push([...statements]);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]!.join()).not.toContain("users");

    const subjects = Object.fromEntries(
      (await deliver()).map((mail) => [recipient(mail), mail.subject]),
    ) as object;
    expect(subjects).toEqual({
      [user.email]: "Choose a new password",
      "nobody@example.com": "This email address has no user account",
    });
  });

  it("U6: mails whoever has no password that they have none, and no link", async () => {
    const user = await aUser();

    await requestPasswordReset(asNobody(), user.email);
    const [mail] = await deliver();

    expect(mail!.text).toContain("PASSWORD_NOT_SET");
    expect(mail!.text).not.toContain("token=");
    expect(await sqlAsOwner("select from one_time_tokens where user_id = $1", [user.id])).toEqual(
      [],
    );
  });

  it("U6: tells whoever has no password how they do sign in, and mails no link", async () => {
    const user = await aUser();
    await anIdentity(user.id);
    await anIdentity(user.id, { provider: SocialProvider.GOOGLE });

    await requestPasswordReset(asNobody(), user.email);

    const [mail] = await deliver();
    expect(mail!.text).toContain("PASSWORD_NOT_SET");
    expect(mail!.text).toContain("with GitHub or Google");
    expect(mail!.text).not.toContain("token=");
  });

  it("refuses what is no email address", async () => {
    await expectRefused(() => requestPasswordReset(asNobody(), "ada"), {
      code: "BAD_USER_INPUT",
      field: ["email"],
    });
  });
});

describe("what strangers ask for", () => {
  beforeEach(() => sqlAsOwner("delete from graphile_worker._private_jobs")); // earlier notices
  const DEVICE = Buffer.alloc(32, 7);
  const from = (ip: string, deviceHash: Buffer | null = null) =>
    new Context({
      ...{ ...base(), caller: null, request: { ...REQUEST, ip } },
      browser: { ...NO_BROWSER, deviceHash, keepDevice: () => deviceHash },
    });
  const hourLater = () =>
    sqlAsOwner(`update throttles set free_at = free_at - interval '1 hour',
      resets_at = resets_at - interval '1 hour'`);
  /** Six networks ask over and over; gives how many mails went out in so many hours. */
  async function flood(email: string, hours: number): Promise<number> {
    let mails = 0;
    for (let hour = 0; hour < hours; hour++) {
      for (let network = 0; network < 6; network++) {
        for (let i = 0; i < 3; i++) {
          await requestPasswordReset(from(`2001:db8:0:${network}::1`), email).catch(() => null);
        }
      }
      mails += (await deliver()).length;
      await hourLater();
    }
    return mails;
  }

  it.each([
    ["a network", () => from("192.0.2.200")],
    ["a browser", () => from("203.0.113.77", DEVICE)],
  ])(
    "U10: keeps nobody from resetting in %s of theirs, with five mails in a day",
    async (_, own) => {
      const user = await aUser({ passwordHash });
      await signIn(from("192.0.2.200", DEVICE), user.email, OLD);
      expect(await flood(user.email, 24)).toBe(5);

      await requestPasswordReset(from("198.51.100.9"), user.email);
      expect(await deliver()).toEqual([]);
      await requestPasswordReset(own(), user.email);

      await resetPassword(own(), tokenIn((await deliver())[0]), NEW);
      signedIn(await signIn(own(), user.email, NEW));
    },
    60_000,
  );

  it("U3, U10: answers them alike, whether or not the email has a user who signs in there", async () => {
    const user = await aUser({ passwordHash });
    await signIn(from("192.0.2.200", DEVICE), user.email, OLD);
    const answers = [];
    for (const email of [user.email, "nobody@example.com"]) {
      await sqlAsOwner("delete from throttles");
      await flood(email, 2);
      const outcomes: string[] = [];
      for (let i = 0; i < 8; i++) {
        const asked = requestPasswordReset(from("192.0.2.201"), email);
        outcomes.push(await asked.then(() => "ok", codeOf));
      }
      answers.push(outcomes);
    }
    expect(answers[0]).toEqual([...times(6, () => "ok"), "RATE_LIMITED", "RATE_LIMITED"]);
    expect(answers[1]).toEqual(answers[0]);
  });

  it("U10: sends no more than some 50 mails for one browser, to however many addresses", async () => {
    const user = await aUser({ passwordHash });
    await signIn(from("192.0.2.200", DEVICE), user.email, OLD);
    let asked = 0;
    const ask = async () => {
      for (; asked < 80; asked++) {
        const email = `stranger${asked}@example.com`;
        await requestPasswordReset(from("203.0.113.5", DEVICE), email);
      }
    };
    await expect(ask()).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(asked).toBeGreaterThanOrEqual(51);
  });

  it("U10: keeps no browser waiting in which a person signs in, from the same network", async () => {
    const user = await aUser({ passwordHash });
    await signIn(from("192.0.2.200", DEVICE), user.email, OLD);
    for (let i = 0; i < 60; i++) {
      await requestPasswordReset(from("192.0.2.200"), `user${i}@example.com`).catch(() => null);
      await requestPasswordReset(from("192.0.2.200"), user.email).catch(() => null);
    }
    await deliver();
    // By now, a try or two may have been given back.
    const another = async () => {
      for (let i = 0; i < 60; i++) {
        await requestPasswordReset(from("192.0.2.200", Buffer.alloc(32, 8)), user.email);
      }
    };
    await expect(another()).rejects.toMatchObject({ code: "RATE_LIMITED" });

    await requestPasswordReset(from("192.0.2.200", DEVICE), user.email);

    expect(await deliver()).toHaveLength(1);
  });

  it("U5, U10: voids no link by a mail that is not sent", async () => {
    const user = await aUser({ passwordHash });
    const token = await tokenFor(user);
    await requestPasswordReset(asNobody(), user.email);
    expect(await deliver()).toEqual([]);

    await resetPassword(asNobody(), token, NEW);
  });

  it("U10: counts a mail once, however often it is tried", async () => {
    const user = await aUser({ passwordHash });
    await requestPasswordReset(asNobody(), user.email);
    refuseNextMail();
    expect(await deliver()).toEqual([]);
    await hurry();

    expect((await deliver()).map(recipient)).toEqual([user.email]);
  });
});

describe("resetPassword", () => {
  it("U5: sets the password, ends every session, records it, and mails a notice", async () => {
    const user = await aUser({ passwordHash });
    const { token: session } = await aSession(user.id);
    await requestPasswordReset(asNobody(), user.email);
    const [mail] = await deliver();
    expect(mail!.text).toContain(`${APP_URL}/reset-password#token=`);
    const token = tokenIn(mail);

    await resetPassword(asNobody(), token, NEW);

    await expect(withToken(session)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const events = await eventsOf(user);
    expect(events).toMatchObject([
      { type: "user_password_reset.v1", principal_id: user.id, session_id: null },
      { type: "session_ended.v1" },
    ]);
    expect(JSON.stringify(events)).not.toContain("argon2");
    const [notice] = await deliver();
    expect(recipient(notice!)).toBe(user.email);
    expect(notice!.subject).toBe("Your password was reset");
    await expect(signIn(asNobody(), user.email, OLD)).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });
    expect(signedIn(await signIn(asNobody(), user.email, NEW)).session.userId).toBe(user.id);
  });

  it("U5: opens no session and leaves whoever asked nobody", async () => {
    const user = await aUser({ passwordHash });
    const ctx = asNobody();

    await resetPassword(ctx, await tokenFor(user), NEW);

    expect(() => ctx.principal).toThrow();
    const open = "select from sessions where user_id = $1 and ended_at is null";
    expect(await sqlAsOwner(open, [user.id])).toEqual([]);
  });

  it("U5: takes a link once, of many at the same time", async () => {
    const user = await aUser({ passwordHash });
    const token = await tokenFor(user);

    const { done, codes } = await atOnce(
      times(5, () => () => resetPassword(asNobody(), token, NEW)),
    );

    expect({ done, codes }).toEqual({ done: 1, codes: times(4, () => "TOKEN_INVALID") });
    expect((await eventsOf(user)).map(({ type }) => type)).toEqual(["user_password_reset.v1"]);
  });

  it("U5: voids the older link when a newer was asked for", async () => {
    const user = await aUser({ passwordHash });
    await aSession(user.id); // where they have signed in, several mails go at once
    const older = await tokenFor(user);
    const newer = await tokenFor(user);

    await expectRefused(() => resetPassword(asNobody(), older, NEW), { code: "TOKEN_INVALID" });
    await resetPassword(asNobody(), newer, NEW);
  });

  it("U5: refuses a link after 30 minutes", async () => {
    const user = await aUser({ passwordHash });
    const token = await tokenFor(user);
    const [row] = await sqlAsOwner<{ minutes: number }>(
      `select extract(epoch from expires_at - created_at)::int / 60 as minutes
        from one_time_tokens where user_id = $1`,
      [user.id],
    );
    expect(row!.minutes).toBe(30);
    await sqlAsOwner("update one_time_tokens set expires_at = now() where user_id = $1", [user.id]);

    await expectRefused(() => resetPassword(asNobody(), token, NEW), { code: "TOKEN_INVALID" });
  });

  it.each([
    ["a short", "short", "BAD_USER_INPUT"],
    ["a common", "password12345", "WEAK_PASSWORD"],
  ])("U4: refuses %s password, and the link still works", async (_what, password, code) => {
    const user = await aUser({ passwordHash });
    const token = await tokenFor(user);

    await expectRefused(() => resetPassword(asNobody(), token, password), {
      code,
      field: ["newPassword"],
    });
    await resetPassword(asNobody(), token, NEW);
  });

  it("voids the link when the password is changed otherwise, or the email is another", async () => {
    const user = await aUser({ passwordHash });
    const token = await tokenFor(user);
    const { token: session } = await aSession(user.id);
    await updatePassword(await withToken(session), OLD, NEW);
    await expectRefused(() => resetPassword(asNobody(), token, OLD), { code: "TOKEN_INVALID" });

    const other = await tokenFor(user);
    await sqlAsOwner("update users set email = 'elsewhere@example.com' where id = $1", [user.id]);
    await expectRefused(() => resetPassword(asNobody(), other, OLD), { code: "TOKEN_INVALID" });
  });

  it("U7: mails a notice when the password is changed, and none when it is refused", async () => {
    const user = await aUser({ passwordHash });
    const { token } = await aSession(user.id);
    await deliver();

    await expect(updatePassword(await withToken(token), "wrong", NEW)).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });
    expect(await deliver()).toEqual([]);
    await updatePassword(await withToken(token), OLD, NEW);

    expect((await deliver()).map(({ subject }) => subject)).toEqual(["Your password was changed"]);
  });

  describe("the throttle", () => {
    /** Wrong passwords of this user until they have to wait. */
    async function guess(email: string): Promise<void> {
      for (let i = 0; i < 7; i++) {
        await signIn(asNobody(), email, "a wrong password").catch(() => null);
      }
      await expect(signIn(asNobody(), email, OLD)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    }

    it("U10: forgets wrong tries at the old password once there is a new one", async () => {
      const user = await aUser({ passwordHash });
      await guess(user.email);

      await resetPassword(asNobody(), await tokenFor(user), NEW);

      signedIn(await signIn(asNobody(), user.email, NEW));
    });

    it("U10: forgets them too when the password is changed in a session", async () => {
      const user = await aUser({ passwordHash });
      await guess(user.email);

      await updatePassword(await withToken((await aSession(user.id)).token), OLD, NEW);

      signedIn(await signIn(asNobody(), user.email, NEW));
    });

    it("U10: forgets nothing of others, of codes, nor of a network", async () => {
      const user = await aUser({ passwordHash });
      const other = await aUser({ passwordHash });
      await guess(user.email);
      await guess(other.email);
      const code = { secret: "code", email: user.email, ip: REQUEST.ip } as const;
      await countTry(db, code);
      const left = () =>
        sqlAsOwner<{ key: string; tries: number }>(
          "select key, tries from throttles where key like 'password %' or key like 'code %' order by 1",
        );
      const before = await left();
      const token = await tokenFor(user);

      await resetPassword(asNobody(), token, NEW);

      const after = await left();
      const own = before.filter(({ key }) => !after.some((row) => row.key === key));
      // Of the user: at their network, and wherever they are.
      expect(own).toHaveLength(2);
      expect(after).toEqual(before.filter((row) => !own.includes(row)));
      await expect(signIn(asNobody(), other.email, OLD)).rejects.toMatchObject({
        code: "RATE_LIMITED",
      });
    });

    it("U10: forgets nothing where the link is refused", async () => {
      const user = await aUser({ passwordHash });
      await guess(user.email);
      const token = await tokenFor(user);
      await expect(resetPassword(asNobody(), token, "password")).rejects.toBeDefined();

      await expect(signIn(asNobody(), user.email, OLD)).rejects.toMatchObject({
        code: "RATE_LIMITED",
      });
    });
  });
});

describe("an internationalised address", () => {
  it("U1: is one address in Unicode and in ASCII, at every door", async () => {
    const { signUpId } = await signUp(asNobody(), {
      email: "Zoe@Exämple.com",
      password: OLD,
      name: "Zoe",
    });
    expect(signUpId).toMatch(/^ott_/);
    // As it was sent: mailparser shows the address in Unicode.
    const sentTo = ({ headerLines }: ParsedMail) =>
      headerLines.find(({ key }) => key === "to")?.line;
    const mail = (await deliver()).find((one) => sentTo(one) === "To: zoe@xn--exmple-cua.com");

    const { user } = await verifyEmail(asNobody(), tokenIn(mail), OLD);
    expect(user.email).toBe("zoe@xn--exmple-cua.com");

    for (const typed of ["zoe@exämple.com", "ZOE@XN--EXMPLE-CUA.COM"]) {
      signedIn(await signIn(asNobody(), typed, OLD));
      expect(await requestPasswordReset(asNobody(), typed)).toBe(user.email);
      await endUserSessions(asOperator(), { email: typed, reason: "A test" });
    }
    const mails = await deliver();
    expect(mails.filter(({ subject }) => subject === "Choose a new password")).toHaveLength(2);

    const ctx = await withToken((await aSession(user.id)).token);
    await expectRefused(() => updateEmail(ctx, "zoe@exämple.com"), {
      code: "BAD_USER_INPUT",
      field: ["email"],
    });
    expect(await updateEmail(ctx, "zoe@bücher.example")).toBe("zoe@xn--bcher-kva.example");
  });

  it("U1: takes no local part of more than 64 bytes", async () => {
    const email = `${"a".repeat(65)}@example.com`;
    await expectRefused(() => signUp(asNobody(), { email, password: OLD, name: "Ada" }), {
      code: "BAD_USER_INPUT",
      field: ["email"],
    });
  });
});
