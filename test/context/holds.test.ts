import type { Context } from "../../src/context/context";
import { hashPassword } from "../../src/identity/passwords";
import { createAccount } from "../../src/operations/accounts/createAccount";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { disableTotp } from "../../src/operations/authenticators/disableTotp";
import { enrollTotp } from "../../src/operations/authenticators/enrollTotp";
import { endOtherSessions } from "../../src/operations/sessions/endOtherSessions";
import { endSession } from "../../src/operations/sessions/endSession";
import { reauthenticate } from "../../src/operations/sessions/reauthenticate";
import { signIn } from "../../src/operations/sessions/signIn";
import { signOut } from "../../src/operations/sessions/signOut";
import { setPassword } from "../../src/operations/users/setPassword";
import { updateEmail } from "../../src/operations/users/updateEmail";
import { updateLanguage } from "../../src/operations/users/updateLanguage";
import { sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  asNobody,
  aSession,
  asUser,
  aUser,
  eventsOf,
  services,
  userEventsOf,
  withToken,
} from "../support/factories";
import { serve } from "../support/http";
import { useMail } from "../support/mail";
import { meanwhile, usePwned } from "../support/pwned";
import { atOnce, heldUp, times } from "../support/races";
import { expectRefused } from "../support/refusals";
import { codeAt } from "../support/totp";

beforeAll(useDatabase);
beforeAll(useMail);
let pwned: string;
beforeAll(async () => {
  pwned = await usePwned();
});
beforeEach(async () => {
  await sqlAsOwner("delete from throttles");
  services.breachedPasswordsUrl = null;
});

const PASSWORD = "seventeen purple walruses dance";
const end = (id: string) => sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);
const typesOf = async (user: { id: string }) => (await userEventsOf(user)).map(({ type }) => type);

/** What a person does to what is their own, and to an account, each as it would go through. */
const ACTS: [what: string, act: (ctx: Context) => Promise<unknown>][] = [
  ["creates an account", (ctx) => createAccount(ctx, "Acme")],
  ["asks for another email", (ctx) => updateEmail(ctx, "other@example.com")],
  ["sets up an app", (ctx) => enrollTotp(ctx, null)],
  ["sets a password", (ctx) => setPassword(ctx, PASSWORD)],
  ["changes the language", (ctx) => updateLanguage(ctx, "de")],
  ["ends the others", (ctx) => endOtherSessions(ctx)],
  ["signs out", (ctx) => signOut(ctx)],
  [
    "renames an account",
    async (ctx) => updateAccount(ctx, (await ctx.accountIds())[0]!, { name: "Apex" }),
  ],
];

const GONE: [how: string, sql: string][] = [
  ["has ended", "update sessions set ended_at = now() where id = $1"],
  ["has expired", "update sessions set expires_at = now() where id = $1"],
  ["was idle", "update sessions set last_used_at = now() - interval '14 days' where id = $1"],
  [
    "goes on under another token",
    "update sessions set token_hash = sha256(id::bytea), authenticated_at = now() + interval '1 s' where id = $1",
  ],
];

describe("U9: a session that is over", () => {
  it.each(ACTS.flatMap(([what, act]) => GONE.map(([how, sql]) => [what, how, act, sql] as const)))(
    "%s no more where it %s",
    async (_what, _how, act, sql) => {
      const user = await aUser();
      await aMember(await anAccount(), ADMINISTRATOR, { userId: user.id });
      await aSession(user.id);
      const { id, token } = await aSession(user.id);
      const ctx = await withToken(token);
      await sqlAsOwner(sql, [id]);

      await expectRefused(() => act(ctx), { code: "UNAUTHENTICATED" });
    },
  );

  it("guesses at nothing: a code that it sends is not held against the user", async () => {
    const user = await aUser();
    await anAuthenticator(user.id);
    const { id, token } = await aSession(user.id);
    const ctx = await withToken(token);
    await end(id);

    await expectRefused(() => enrollTotp(ctx, "123456"), { code: "UNAUTHENTICATED" });
  });

  it("writes nothing after it has signed out in the same document", async () => {
    const server = await serve();
    const user = await aUser();
    const { token } = await aSession(user.id);

    const { data, codes } = await server.ask(
      `mutation {
        signOut { session { id } }
        createAccount(input: { name: "Acme" }) { account { id } }
        updateEmail(input: { email: "other@example.com" }) { email }
        enrollTotp(input: {}) { setup { secret } }
        updateLanguage(input: { language: "de" }) { language }
      }`,
      {},
      { token },
    );

    expect(data).toMatchObject({
      signOut: { session: {} },
      ...{ createAccount: null, updateEmail: null, enrollTotp: null, updateLanguage: null },
    });
    expect(codes).toEqual(times(4, () => "UNAUTHENTICATED"));
    expect(await typesOf(user)).toEqual(["signed_out.v1"]);
    expect(
      await sqlAsOwner(
        `select from memberships where user_id = $1 union all
         select from one_time_tokens where user_id = $1 union all
         select from authenticators where user_id = $1`,
        [user.id],
      ),
    ).toEqual([]);
  });

  it("E5: enters no account after it has signed out in the same document", async () => {
    const server = await serve();
    const account = await anAccount();
    const { userId } = await aMember(account, ADMINISTRATOR);
    const { token } = await aSession(userId, { entered: false });

    const { codes } = await server.ask(
      `mutation ($id: ID!) {
        signOut { session { id } }
        updateAccount(input: { accountId: $id, name: "Apex" }) { account { id } }
      }`,
      { id: account.id },
      { token },
    );

    expect(codes).toEqual(["UNAUTHENTICATED"]);
    expect(await sqlAsOwner("select from events where account_id = $1", [account.id])).toEqual([]);
  });

  it("goes on in the document that proves it anew", async () => {
    const server = await serve();
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const { token } = await aSession(user.id);

    const { codes } = await server.ask(
      `mutation {
        reauthenticate(input: { password: "${PASSWORD}" }) { session { id } }
        createAccount(input: { name: "Apex" }) { account { id } }
      }`,
      {},
      { token },
    );

    expect(codes).toEqual([]);
  });
});

describe("U9: a session that ends while its operation waits", () => {
  it.each([
    ["has ended", GONE[0]![1]],
    ["goes on under another token", GONE[3]![1]],
  ])("sets no password once it %s", async (_how, sql) => {
    services.breachedPasswordsUrl = pwned;
    const user = await aUser();
    const { id, token } = await aSession(user.id);
    const ctx = await withToken(token);
    // The look-up is answered after the owner has ended the session.
    meanwhile(async () => void (await sqlAsOwner(sql, [id])));

    await expect(setPassword(ctx, PASSWORD)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });

    expect(await userEventsOf(user)).toEqual([]);
    expect(
      await sqlAsOwner("select from users where id = $1 and password_hash is not null", [user.id]),
    ).toEqual([]);
  });

  it.each(ACTS.slice(0, -1))("%s no more, where it waits for its user", async (_what, act) => {
    const user = await aUser();
    const { id, token } = await aSession(user.id);
    const ctx = await withToken(token);

    const outcome = await heldUp(
      () => sqlAsOwner("select from users where id = $1 for no key update", [user.id]),
      () => act(ctx),
      () => end(id),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAUTHENTICATED" } });
    expect(await userEventsOf(user)).toEqual([]);
  });
});

describe("sessions of one user at once", () => {
  it("U9: of many that end each other one is first, and none waits for another for ever", async () => {
    const user = await aUser();
    const sessions = await Promise.all(times(6, () => aSession(user.id)));
    const callers = await Promise.all(sessions.map(({ token }) => withToken(token)));

    const { done, codes } = await atOnce(callers.map((ctx) => () => endOtherSessions(ctx)));

    expect([done, codes]).toEqual([1, times(5, () => "UNAUTHENTICATED")]);
    expect(await userEventsOf(user)).toHaveLength(5);
  });

  it("U9: of two that end each other one at a time, one is first", async () => {
    for (let i = 0; i < 10; i++) {
      const user = await aUser();
      const [one, two] = [await aSession(user.id), await aSession(user.id)];
      const [first, second] = [await withToken(one.token), await withToken(two.token)];

      const { done, codes } = await atOnce([
        () => endSession(first, two.id),
        () => endSession(second, one.id),
      ]);

      expect([done, codes]).toEqual([1, ["UNAUTHENTICATED"]]);
    }
  });

  it("all get through with what takes nothing from each other", async () => {
    const user = await aUser();
    const callers = await Promise.all(times(8, () => asUser(user)));

    const { done, codes } = await atOnce(
      callers.map((ctx, i) => () => createAccount(ctx, `Acme ${i}`)),
    );

    expect([done, codes]).toEqual([8, []]);
  });

  it("takes the user and the session in one statement", async () => {
    const ctx = await asUser(await aUser());

    statements.length = 0;
    await createAccount(ctx, "Acme");

    expect(statements.filter((text) => /\bfor (share|no key update)\b/.test(text))).toHaveLength(1);
  });
});

describe("what a verb decides by is held until it commits", () => {
  /** The only administrator of an account, with a second factor, as two requests of one session. */
  async function anAdministrator({ mfaRequired = false } = {}) {
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    const account = await anAccount({ mfaRequired });
    await aMember(account, ADMINISTRATOR, { userId: user.id });
    const { secret } = await anAuthenticator(user.id);
    const { token } = await aSession(user.id);
    return { user, account, secret, ctx: () => withToken(token) };
  }
  const off = (user: { id: string }) =>
    sqlAsOwner("update users set mfa_enabled_at = null where id = $1", [user.id]);

  it("T4: turning the second factor off waits for an account that is about to require it", async () => {
    const { user, account, secret, ctx } = await anAdministrator();
    const caller = await ctx();

    const outcome = await heldUp(
      () => sqlAsOwner("update accounts set mfa_required = true where id = $1", [account.id]),
      () => disableTotp(caller, codeAt(secret, Date.now())),
    );

    expect(outcome).toMatchObject({ reason: { code: "MFA_REQUIRED_BY_ACCOUNT" } });
    expect(await userEventsOf(user)).toEqual([]);
  });

  it("T4, M9: requiring it waits for the caller's own to be turned off", async () => {
    const { user, account, ctx } = await anAdministrator();
    const caller = await ctx();

    const outcome = await heldUp(
      () => off(user),
      () => updateAccount(caller, account.id, { mfaRequired: true }),
    );

    expect(outcome).toMatchObject({ reason: { code: "WOULD_LOCK_OUT" } });
    expect(await eventsOf(account)).toEqual([]);
  });

  it("T5: nothing is done in an account by a member whose second factor goes off meanwhile", async () => {
    const { user, account, ctx } = await anAdministrator({ mfaRequired: true });
    const caller = await ctx();

    const outcome = await heldUp(
      () => off(user),
      () => updateAccount(caller, account.id, { name: "Apex" }),
    );

    expect(outcome).toMatchObject({ reason: { code: "MFA_ENROLLMENT_REQUIRED" } });
    expect(await eventsOf(account)).toEqual([]);
  });

  it.each([
    [
      "a code, once the second factor is on",
      "update users set mfa_enabled_at = now() where id = $1",
      "update authenticators set confirmed_at = now() where user_id = $1",
      "MFA_CHALLENGE",
    ],
    [
      "the password that there is now",
      "update users set password_hash = 'another' where id = $1",
      "select $1::text",
      "INVALID_CREDENTIALS",
    ],
  ])("U11: proving it anew takes %s", async (_what, change, also, code) => {
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    await anAuthenticator(user.id, { confirmedAt: null });
    await off(user);
    const ctx = await asUser(user);

    const outcome = await heldUp(
      () => sqlAsOwner(change, [user.id]),
      () => reauthenticate(ctx, { password: PASSWORD, code: null }),
      () => sqlAsOwner(also, [user.id]),
    );

    expect(outcome).toMatchObject({ reason: { code } });
    expect(await userEventsOf(user)).toEqual([]);
  });

  it("U11: proving it anew by a code alone takes a second factor that is still on", async () => {
    const user = await aUser();
    const { secret } = await anAuthenticator(user.id);
    const ctx = await asUser(user);

    const outcome = await heldUp(
      () => off(user),
      () => reauthenticate(ctx, { password: null, code: codeAt(secret, Date.now()) }),
      () =>
        sqlAsOwner(
          "update authenticators set removed_at = now(), sealed_secret = null, recovery_code_hashes = '{}', recovery_codes_left = 0 where user_id = $1",
          [user.id],
        ),
    );

    expect(outcome).toMatchObject({ reason: { code: "PASSWORD_NOT_SET" } });
    expect(await userEventsOf(user)).toEqual([]);
  });

  it("U9: of many who sign in at once, a user has 100 sessions at most", async () => {
    const user = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    await Promise.all(times(98, () => aSession(user.id)));

    await atOnce(times(6, () => () => signIn(asNobody(), user.email, PASSWORD)));

    expect(
      await sqlAsOwner("select from sessions where user_id = $1 and ended_at is null", [user.id]),
    ).toHaveLength(100);
  });
});
