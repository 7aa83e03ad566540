import type { Account } from "../../../src/entities/Account";
import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { confirmTotp } from "../../../src/operations/authenticators/confirmTotp";
import { enrollTotp } from "../../../src/operations/authenticators/enrollTotp";
import { resetMfa } from "../../../src/operations/authenticators/resetMfa";
import { disableMember } from "../../../src/operations/members/disableMember";
import { completeSignIn } from "../../../src/operations/sessions/completeSignIn";
import { signIn } from "../../../src/operations/sessions/signIn";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  as,
  asSignUp,
  asNobody,
  asOperator,
  asUser,
  aUser,
  DEVELOPER,
  eventsOf,
  signedIn,
  userEventsOf,
  withToken,
} from "../../support/factories";
import { deliver, recipient, useMail } from "../../support/mail";
import { atOnce } from "../../support/races";
import { denials, eventually, expectDenied, expectRefused } from "../../support/refusals";
import { codeAt, fromBase32 } from "../../support/totp";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(() => sqlAsOwner("delete from throttles; delete from graphile_worker._private_jobs"));

const PASSWORD = "correct horse battery staple";
const REASON = "Lost her phone; we called back on the number that we have";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

const codeNow = (secret: Buffer) => codeAt(secret, Date.now());

/** A user with a second factor, and the accounts that they are in. */
async function someone(accounts = 1) {
  const user = await aUser({ passwordHash });
  const made: Account[] = [];
  for (let i = 0; i < accounts; i++) {
    made.push(await anAccount());
    await aMember(made[i]!, DEVELOPER, { userId: user.id });
  }
  return { user, accounts: made, ...(await anAuthenticator(user.id)) };
}

const left = async ({ id }: User) =>
  (await sqlAsOwner("select from authenticators where user_id = $1 and removed_at is null", [id]))
    .length;

describe("resetMfa", () => {
  it("T6, E1, E2: is an event in every account of the user and with them, with who and why", async () => {
    const { user, authenticator, accounts } = await someone(2);
    const [first] = accounts;
    const disabledIn = await anAccount();
    await aMember(disabledIn, {}, { userId: user.id, disabledAt: new Date() });
    const removedFrom = await anAccount();
    await aMember(removedFrom, {}, { userId: user.id, removedAt: new Date() });
    const closed = await anAccount({ deletedAt: new Date() });
    await aMember(closed, {}, { userId: user.id });
    const colleague = await aMember(first!, ADMINISTRATOR);
    await anAuthenticator(colleague.userId);

    const done = await resetMfa(asOperator(), {
      email: ` ${user.email.toUpperCase()}`,
      reason: ` ${REASON}\n`,
    });

    expect(done.members).toHaveLength(3);
    const by = {
      principal_kind: "SYSTEM",
      principal_id: "operator",
      principal_subject: "operator root@host",
      ip: null,
      request_id: "cli_test",
    };
    for (const account of [...accounts, disabledIn]) {
      const [membership] = done.members.filter(({ accountId }) => accountId === account.id);
      expect(await eventsOf(account)).toMatchObject(
        [
          {
            ...by,
            type: "member_mfa_reset.v1",
            object_id: membership!.id,
            object: {
              id: membership!.id,
              userId: user.id,
              developer: "READ_WRITE",
              reason: REASON,
            },
            changes: {},
            decision: {
              action: "resetMfa",
              allowed: true,
              rule: "Only the operator resets a second factor.",
            },
          },
        ].map((event) =>
          account === disabledIn ? { ...event, object: { reason: REASON } } : event,
        ),
      );
    }
    expect(await eventsOf(removedFrom)).toEqual([]);
    expect(await eventsOf(closed)).toEqual([]);
    const own = await userEventsOf(user);
    expect(own).toMatchObject([
      {
        ...by,
        type: "authenticator_removed.v1",
        object: { id: authenticator.id, reason: REASON },
        changes: { removedAt: [null, expect.any(String)] },
      },
      {
        ...by,
        type: "mfa_reset.v1",
        object: { id: user.id, mfaEnabledAt: null, reason: REASON },
        changes: { mfaEnabledAt: [expect.any(String), null] },
      },
    ]);
    expect(JSON.stringify(own)).not.toMatch(/argon2|sealed|Hash/);
    expect(await left(user)).toBe(0);
    expect(await left({ id: colleague.userId } as User)).toBe(1);
  });

  it("T6: tells the person by mail, with the reason", async () => {
    const { user } = await someone();

    await resetMfa(asOperator(), { email: user.email, reason: REASON });

    const [mail, ...more] = await deliver();
    expect(more).toEqual([]);
    expect(recipient(mail!)).toBe(user.email);
    expect(mail!.subject).toBe("Your two-factor authentication was reset");
    expect(mail!.text).toContain(`“${REASON}”`);
  });

  it("T6: lets them sign in with the password alone, and enroll again", async () => {
    const { user } = await someone();

    await resetMfa(asOperator(), { email: user.email, reason: REASON });

    const { token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));
    const ctx = await withToken(token);
    const { setup } = await enrollTotp(ctx, null);
    await confirmTotp(ctx, codeNow(fromBase32(setup.secret)));
    const { challenge } = await signIn(asNobody(), user.email, PASSWORD);
    await eventually(async () => (await denials()).some(({ stream }) => stream === user.id));
    expect(challenge).not.toBeNull();
  });

  it("T6: voids sign-ins that wait for a code", async () => {
    const { user, codes } = await someone();
    const { challenge } = await signIn(asNobody(), user.email, PASSWORD);
    await eventually(async () => (await denials()).some(({ stream }) => stream === user.id));

    await resetMfa(asOperator(), { email: user.email, reason: REASON });

    await expectRefused(() => completeSignIn(asNobody(), challenge!.token, codes[0]!), {
      code: "TOKEN_INVALID",
    });
  });

  it("T6: removes what waits to be confirmed, with or without one that is on", async () => {
    const { user, secret } = await someone();
    await enrollTotp(await asUser(user), codeNow(secret));
    expect(await left(user)).toBe(2);
    await resetMfa(asOperator(), { email: user.email, reason: REASON });
    expect(await left(user)).toBe(0);

    await enrollTotp(await asUser(user), null);
    await resetMfa(asOperator(), { email: user.email, reason: REASON });
    expect(await left(user)).toBe(0);
    expect((await userEventsOf(user)).at(-1)).toMatchObject({ type: "mfa_reset.v1", changes: {} });
  });

  it.each([
    ["an email that nobody has", { email: "nobody@example.com" }, "BAD_USER_INPUT", ["email"]],
    ["what is no email", { email: "nobody" }, "BAD_USER_INPUT", ["email"]],
    ["no reason", { reason: " \n" }, "BAD_USER_INPUT", ["reason"]],
    ["a reason that is too long", { reason: "é".repeat(501) }, "BAD_USER_INPUT", ["reason"]],
  ])("T6: refuses %s", async (_what, input, code, field) => {
    const { user } = await someone();
    const reset = () => resetMfa(asOperator(), { email: user.email, reason: REASON, ...input });

    await expectRefused(reset, { code, field });
  });

  it("T6: takes a reason of 1,000 bytes", async () => {
    const { user } = await someone();
    await resetMfa(asOperator(), { email: user.email, reason: "é".repeat(500) });
    expect(await left(user)).toBe(0);
  });

  it("T6: refuses for somebody who has no second factor", async () => {
    const user = await aUser();

    await expectRefused(() => resetMfa(asOperator(), { email: user.email, reason: REASON }), {
      code: "CONFLICT",
    });
  });

  it("T6: is nobody's but the operator's: not the person's, an administrator's or a job's", async () => {
    const { user, accounts } = await someone();
    const input = { email: user.email, reason: REASON };
    const own = await asUser(user);
    const admin = await as(await aMember(accounts[0]!, ADMINISTRATOR));

    await expectDenied(user, () => resetMfa(own, input), {
      action: "resetMfa User",
      code: "FORBIDDEN",
    });
    for (const ctx of [admin, asSignUp()]) {
      // A stranger is to them as an email that no user has (Y3).
      for (const email of [user.email, "nobody@example.com"]) {
        await expectRefused(() => resetMfa(ctx, { ...input, email }), {
          code: "BAD_USER_INPUT",
          field: ["email"],
        });
      }
    }
    await expect(resetMfa(asNobody(), input)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("E1: is in all of them or in none", async () => {
    const { user, accounts } = await someone(3);
    await sqlAsOwner(`
      create function fail() returns trigger language plpgsql as $$
        begin raise exception 'disk full'; end $$;
      create trigger fail before insert on events for each row
        when (new.account_id = '${accounts[2]!.id}') execute function fail()`);
    try {
      await expectRefused(() => resetMfa(asOperator(), { email: user.email, reason: REASON }), {
        message: "disk full",
      });
    } finally {
      await sqlAsOwner("drop trigger fail on events; drop function fail");
    }
  });

  it("T6: is done once by two at the same time", async () => {
    const { user } = await someone(2);
    const reset = () => resetMfa(asOperator(), { email: user.email, reason: REASON });

    expect(await atOnce([reset, reset, reset])).toEqual({
      done: 1,
      codes: ["CONFLICT", "CONFLICT"],
    });
  });

  it("T6: leaves nobody with a factor who signs in with a code of it at the same time", async () => {
    for (let round = 0; round < 5; round++) {
      const { user, secret } = await someone();
      const { challenge } = await signIn(asNobody(), user.email, PASSWORD);
      await eventually(async () => (await denials()).some(({ stream }) => stream === user.id));

      const { codes } = await atOnce([
        () => resetMfa(asOperator(), { email: user.email, reason: REASON }),
        () => completeSignIn(asNobody(), challenge!.token, codeNow(secret)),
      ]);

      expect(["", "TOKEN_INVALID"]).toContain(codes.join());
      expect(await left(user)).toBe(0);
      signedIn(await signIn(asNobody(), user.email, PASSWORD));
    }
  });

  it("waits in no circle with what is done in their accounts meanwhile", async () => {
    const people = [await someone(), await someone()];
    const members = [];
    for (let i = 0; i < 4; i++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      // Accounts of both, joined in another order.
      for (const { user } of i % 2 ? people : people.toReversed()) {
        members.push({ admin, member: await aMember(account, {}, { userId: user.id }) });
      }
    }
    const admins = await Promise.all(members.map(({ admin }) => as(admin)));

    const { codes } = await atOnce([
      ...people.map(
        ({ user }) =>
          () =>
            resetMfa(asOperator(), { email: user.email, reason: REASON }),
      ),
      ...members.map(
        ({ member }, i) =>
          () =>
            disableMember(admins[i]!, member.id),
      ),
    ]);

    expect(codes).toEqual([]);
  });
});
