import type { User } from "../../../src/entities/User";
import { confirmEmail } from "../../../src/operations/users/confirmEmail";
import { requestPasswordReset } from "../../../src/operations/users/requestPasswordReset";
import { resetPassword } from "../../../src/operations/users/resetPassword";
import { endOtherSessions } from "../../../src/operations/sessions/endOtherSessions";
import { endSession } from "../../../src/operations/sessions/endSession";
import { updateEmail } from "../../../src/operations/users/updateEmail";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import { hashPassword } from "../../../src/identity/passwords";
import type { Context } from "../../../src/context/context";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  aMember,
  anAccount,
  asNobody,
  aSession,
  aUser,
  withToken,
} from "../../support/factories";
import { deliver, recipient, tokenIn, useMail } from "../../support/mail";
import { atOnce, times } from "../../support/races";
import { expectDenied, expectRefused, forgetRefusals } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(() => sqlAsOwner("delete from throttles"));

let count = 0;
const anEmail = () => `moved${++count}@example.com`;
const signedIn = async (user: User): Promise<Context> => withToken((await aSession(user.id)).token);
const emailOf = async ({ id }: User) =>
  (await sqlAsOwner<{ email: string }>("select email from users where id = $1", [id]))[0]!.email;
const eventsOf = ({ id }: User) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);

/** Asks for another address and gives the token that was mailed to it. */
async function asked(user: User, email: string): Promise<string> {
  await updateEmail(await signedIn(user), email);
  return tokenIn((await deliver()).find((mail) => recipient(mail) === email));
}

describe("a change that an intruder has asked for", () => {
  const PASSWORD = "correct horse battery staple";
  const ends: [
    how: string,
    act: (ctx: Context, intruder: string, user: User) => Promise<unknown>,
  ][] = [
    ["a changed password", (ctx) => updatePassword(ctx, PASSWORD, "quiet umbrella of rivers")],
    [
      "a reset password",
      async (_ctx, _intruder, { email }) => {
        await requestPasswordReset(asNobody(), email);
        const token = tokenIn((await deliver()).find((mail) => recipient(mail) === email));
        await resetPassword(asNobody(), token, "quiet umbrella of rivers");
      },
    ],
    ["the end of all other sessions", (ctx) => endOtherSessions(ctx)],
    ["the end of its session", (ctx, intruder) => endSession(ctx, intruder)],
  ];

  it.each(ends)("U12: is void after %s", async (_how, act) => {
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const intruder = await aSession(user.id);
    const email = anEmail();
    await updateEmail(await withToken(intruder.token), email);
    const token = tokenIn((await deliver()).find((mail) => recipient(mail) === email));

    await act(await signedIn(user), intruder.id, user);

    const ctx = await signedIn(user);
    await expectRefused(() => confirmEmail(ctx, token), { code: "TOKEN_INVALID" });
    expect(await emailOf(user)).toBe(user.email);
  });
});

describe("updateEmail", () => {
  it("U12: mails a link to the new address, confirms it, and tells the old one", async () => {
    const user = await aUser();
    const email = anEmail();
    await updateEmail(await signedIn(user), email);
    const asking = await deliver();
    expect(asking.map((mail) => [recipient(mail), mail.subject]).sort()).toEqual(
      [
        [email, "Confirm your new email address"],
        [user.email, "A change of your email address was requested"],
      ].sort(),
    );
    const token = tokenIn(asking.find((mail) => recipient(mail) === email));
    expect(await emailOf(user)).toBe(user.email);
    expect(await eventsOf(user)).toEqual([]);

    const ctx = await signedIn(user);
    expect((await confirmEmail(ctx, token)).email).toBe(email);

    expect(await emailOf(user)).toBe(email);
    expect(ctx.principal.subject).toBe(email);
    expect(await eventsOf(user)).toMatchObject([
      { type: "user_email_updated.v1", changes: { email: [user.email, email] } },
    ]);
    const mails = await deliver();
    expect(mails.map((mail) => [recipient(mail), mail.subject])).toEqual([
      [user.email, "Your email address was changed"],
    ]);
    // What it is now is nobody's business who reads the old mailbox.
    expect(mails[0]!.text).not.toContain(email);
  });

  it("U11: takes a proof of the last 15 minutes", async () => {
    const user = await aUser();
    const { id, token } = await aSession(user.id);
    await sqlAsOwner(
      "update sessions set authenticated_at = now() - interval '16 minutes' where id = $1",
      [id],
    );
    const ctx = await withToken(token);

    await expectDenied(user, () => updateEmail(ctx, anEmail()), {
      action: "update User",
      code: "REAUTHENTICATION_REQUIRED",
    });
    expect(await deliver()).toEqual([]);
  });

  it("C7: refuses an API key to ask and to confirm", async () => {
    const account = await anAccount();
    const member = await aMember(account);
    const key = (await aCredential(member)).secret;
    const [user] = await sqlAsOwner<User>("select * from users where id = $1", [member.userId]);
    const denied = { action: "update User", code: "FORBIDDEN" };

    const ctx = await withToken(key);
    await expectDenied({ id: member.userId }, () => updateEmail(ctx, anEmail()), denied);
    const token = await asked(user!, anEmail());
    await forgetRefusals();
    await expectDenied({ id: member.userId }, () => confirmEmail(ctx, token), denied);
  });

  it.each([
    ["what is no address", "moved"],
    ["their own address", ""],
  ])("refuses %s", async (_what, text) => {
    const user = await aUser();
    const ctx = await signedIn(user);
    await expectRefused(() => updateEmail(ctx, text || user.email.toUpperCase()), {
      code: "BAD_USER_INPUT",
      field: ["email"],
    });
  });

  it("U3: answers the same for a taken address, and tells its owner alone", async () => {
    const other = await aUser();
    const user = await aUser();

    expect(await updateEmail(await signedIn(user), other.email)).toBe(other.email);

    const [mail] = await deliver();
    expect(recipient(mail!)).toBe(other.email);
    expect(mail!.text).not.toContain("token=");
  });
});

describe("confirmEmail", () => {
  it("U12: takes a link once, of many at the same time", async () => {
    const user = await aUser();
    const token = await asked(user, anEmail());
    const callers = await Promise.all(times(5, () => signedIn(user)));

    const { done, codes } = await atOnce(callers.map((ctx) => () => confirmEmail(ctx, token)));

    expect({ done, codes }).toEqual({ done: 1, codes: times(4, () => "TOKEN_INVALID") });
    expect(await eventsOf(user)).toHaveLength(1);
  });

  it("U12: gives one address to one of two users who confirm it at once", async () => {
    const email = anEmail();
    const users = [await aUser(), await aUser()];
    const pairs = [];
    for (const user of users) pairs.push([await signedIn(user), await asked(user, email)] as const);

    const { done, codes } = await atOnce(
      pairs.map(
        ([ctx, token]) =>
          () =>
            confirmEmail(ctx, token),
      ),
    );

    expect({ done, codes }).toEqual({ done: 1, codes: ["TOKEN_INVALID"] });
  });

  it("U12: is nothing to whoever owns a mistyped address", async () => {
    const user = await aUser();
    const token = await asked(user, anEmail());
    const stranger = await signedIn(await aUser());

    await expectRefused(() => confirmEmail(stranger, token), { code: "TOKEN_INVALID" });
    await expectRefused(() => confirmEmail(asNobody(), token), { code: "UNAUTHENTICATED" });
  });

  it("U12: refuses a link that expired, that a newer voided, or whose address was taken", async () => {
    const user = await aUser();
    const ctx = await signedIn(user);
    const [older, email] = [await asked(user, anEmail()), anEmail()];
    const newer = await asked(user, email);
    await expectRefused(() => confirmEmail(ctx, older), { code: "TOKEN_INVALID" });

    await aUser({ email });
    await expectRefused(() => confirmEmail(ctx, newer), { code: "TOKEN_INVALID" });

    const expired = await asked(user, anEmail());
    await sqlAsOwner("update one_time_tokens set expires_at = now() where user_id = $1", [user.id]);
    await expectRefused(() => confirmEmail(ctx, expired), { code: "TOKEN_INVALID" });
  });

  it("voids links to a new password that went to the address before", async () => {
    const user = await aUser({ passwordHash: await hashPassword("correct horse battery staple") });
    await requestPasswordReset(asNobody(), user.email);
    const reset = tokenIn((await deliver())[0]);
    await confirmEmail(await signedIn(user), await asked(user, anEmail()));

    await expectRefused(() => resetPassword(asNobody(), reset, "seventeen purple walruses"), {
      code: "TOKEN_INVALID",
    });
  });
});
