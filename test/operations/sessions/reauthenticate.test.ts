import { Context } from "../../../src/context/context";
import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { createAuthtoken } from "../../../src/operations/credentials/createAuthtoken";
import { deleteAccount } from "../../../src/operations/accounts/deleteAccount";
import { updateMemberRoles } from "../../../src/operations/members/updateMemberRoles";
import { updateAccount } from "../../../src/operations/accounts/updateAccount";
import { reauthenticate } from "../../../src/operations/sessions/reauthenticate";
import { authenticate } from "../../../src/context/authenticate";
import { db, sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  asNobody,
  aSession,
  aUser,
  withToken,
  services,
} from "../../support/factories";
import { serve } from "../../support/http";
import { atOnce, times } from "../../support/races";
import { denials, everything, expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

const PASSWORD = "correct horse battery staple";
const GIVEN = { password: PASSWORD, code: null };
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

const LONG_AGO = 16;
const SHORT_AGO = 14;

/** A session whose person proved who they are so many minutes ago. */
async function aSessionFrom(userId: string, minutes: number) {
  const session = await aSession(userId);
  await sqlAsOwner(
    "update sessions set authenticated_at = now() - make_interval(mins => $2) where id = $1",
    [session.id, minutes],
  );
  return session;
}

const eventsOfUser = ({ id }: User) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);

describe("reauthenticate", () => {
  it("U11, U9, E5: proves it anew, under a new token, and records it", async () => {
    const user = await aUser({ passwordHash });
    const old = await aSessionFrom(user.id, LONG_AGO);
    const other = await aSession(user.id);
    const ctx = await withToken(old.token);
    const before = Date.now();

    const { session, token } = await reauthenticate(ctx, GIVEN);

    expect(session.id).toBe(old.id);
    expect(ctx.principal.authenticatedAt!.getTime()).toBeGreaterThanOrEqual(before);
    const { principal } = await withToken(token);
    expect(principal.sessionId).toBe(old.id);
    expect(principal.authenticatedAt).toEqual(session.authenticatedAt);
    await expect(withToken(old.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(withToken(other.token)).resolves.toBeDefined();
    const events = await eventsOfUser(user);
    expect(events).toMatchObject([
      { type: "reauthenticated.v1", object_id: old.id, session_id: old.id },
    ]);
    expect(JSON.stringify([events, await everything()])).not.toContain(token);
  });

  it("U10, E1: refuses a wrong password, and records that alone", async () => {
    const user = await aUser({ passwordHash });
    const { id, token } = await aSessionFrom(user.id, LONG_AGO);
    const background: Promise<unknown>[] = [];
    const request = { id: "req_test", ip: "192.0.2.7", userAgent: "jest" };
    const { principal } = await authenticate(db, token, request);
    const ctx = new Context({
      ...{ db, services, request, caller: principal },
      background: (work) => void background.push(work),
    });
    const before = await everything();

    await expect(
      reauthenticate(ctx, { password: "something else entirely", code: null }),
    ).rejects.toMatchObject({
      code: "INVALID_CREDENTIALS",
    });

    await Promise.all(background);
    expect(await everything()).toEqual(before);
    expect(await denials()).toMatchObject([
      {
        stream: user.id,
        type: "reauthentication_refused.v1",
        object_id: id,
        decision: { code: "INVALID_CREDENTIALS", allowed: false, count: 1 },
      },
    ]);
    await expect(withToken(token)).resolves.toBeDefined();
  });

  it("leaves one good token when it is done many times at once", async () => {
    const user = await aUser({ passwordHash });
    const { token } = await aSession(user.id);
    const callers = await Promise.all(times(4, () => withToken(token)));
    const tokens: string[] = [];

    const { done, codes } = await atOnce(
      callers.map((ctx) => async () => {
        tokens.push((await reauthenticate(ctx, GIVEN)).token);
      }),
    );

    // Once the first has its new token, the others come with an old one.
    expect([done, codes]).toEqual([1, times(3, () => "UNAUTHENTICATED")]);
    const good = await Promise.allSettled(tokens.map((one) => withToken(one)));
    expect(good.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it.each([
    ["reauthenticate", (password: string) => `reauthenticate(input: { password: "${password}" })`],
    [
      "signIn",
      (password: string, email: string) =>
        `signIn(input: { email: "${email}", password: "${password}", transport: BEARER })`,
    ],
  ])("U9: gives one token to a document that asks four times, after %s", async (_first, first) => {
    const server = await serve();
    const user = await aUser({ passwordHash });
    const { token } = await aSession(user.id);
    const asked = "{ token userErrors { code } }";
    const again = `reauthenticate(input: { password: "${PASSWORD}" }) ${asked}`;

    const { data } = await server.ask<Record<string, { token: string | null }>>(
      `mutation { a: ${first(PASSWORD, user.email)} ${asked} b: ${again} c: ${again} d: ${again} }`,
      {},
      { token },
    );

    const refused = { token: null, userErrors: [{ code: "CONFLICT" }] };
    expect(data).toEqual({ a: data!["a"], b: refused, c: refused, d: refused });
    await expect(withToken(data!["a"]!.token!)).resolves.toBeDefined();
  });

  it("U9: does not wake a session that was ended meanwhile", async () => {
    const user = await aUser({ passwordHash });
    const { id, token } = await aSession(user.id);
    const ctx = await withToken(token);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);

    await expectRefused(() => reauthenticate(ctx, GIVEN), { code: "UNAUTHENTICATED" });
  });

  it("C7, E1: refuses an API key", async () => {
    const user = await aUser({ passwordHash });
    const member = await aMember(await anAccount(), ADMINISTRATOR, { userId: user.id });
    const ctx = await withToken((await aCredential(member)).secret);

    await expectDenied(user, () => reauthenticate(ctx, GIVEN), {
      action: "update Session",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    await expectRefused(() => reauthenticate(asNobody(), GIVEN), { code: "UNAUTHENTICATED" });
  });
});

describe("what takes a proof of the last 15 minutes", () => {
  const acts: [what: string, action: string, act: (ctx: Context, ids: Ids) => Promise<unknown>][] =
    [
      [
        "deleting an account",
        "delete Account",
        (ctx, { account, name }) => deleteAccount(ctx, account, name),
      ],
      [
        "requiring a second factor no more",
        "updateSignInPolicy Account",
        (ctx, { account }) => updateAccount(ctx, account, { mfaRequired: false }),
      ],
      [
        "making an administrator",
        "updateRoles Member",
        (ctx, { other }) => updateMemberRoles(ctx, other, { administrator: true }),
      ],
      ["an API key", "create Credential", (ctx, { account }) => createApiKey(ctx, account, {})],
      [
        "an authtoken for oneself, named as its owner",
        "create Credential",
        (ctx, { account, own }) => createAuthtoken(ctx, account, { ownerId: own }),
      ],
      [
        "an API key for another owner",
        "create Credential",
        (ctx, { account, other }) => createApiKey(ctx, account, { ownerId: other }),
      ],
      [
        "an authtoken for another owner",
        "create Credential",
        (ctx, { account, other }) => createAuthtoken(ctx, account, { ownerId: other }),
      ],
    ];

  interface Ids {
    account: string;
    name: string;
    other: string;
    own: string;
  }

  async function anAdministrator() {
    const account = await anAccount({ mfaRequired: true });
    const [admin, other] = [await aMember(account, ADMINISTRATOR), await aMember(account)];
    await anAuthenticator(admin.userId);
    const ids = { account: account.id, name: account.name, other: other.id, own: admin.id };
    return { account, admin, ids };
  }

  it.each(acts)("U11, E1: %s is refused to an older one", async (_what, action, act) => {
    const { account, admin, ids } = await anAdministrator();
    const ctx = await withToken((await aSessionFrom(admin.userId, LONG_AGO)).token);

    await expectDenied(account, () => act(ctx, ids), {
      action,
      code: "REAUTHENTICATION_REQUIRED",
    });
  });

  it.each(acts)("U11: %s is allowed to a younger one", async (_what, _action, act) => {
    const { admin, ids } = await anAdministrator();
    const ctx = await withToken((await aSessionFrom(admin.userId, SHORT_AGO)).token);
    await expect(act(ctx, ids)).resolves.toBeDefined();
  });

  it.each(acts.filter(([, action]) => !action.endsWith("Account")))(
    "U11, C7: %s is allowed to a key, which was made with one",
    async (_what, _action, act) => {
      const { admin, ids } = await anAdministrator();
      const ctx = await withToken((await aCredential(admin)).secret);
      await expect(act(ctx, ids)).resolves.toBeDefined();
    },
  );

  it.each(acts.filter(([, action]) => action.endsWith("Account")))(
    "C7, U11, E1: %s is never allowed to a key of the administrator",
    async (_what, action, act) => {
      const { account, admin, ids } = await anAdministrator();
      const ctx = await withToken((await aCredential(admin)).secret);
      await expectDenied(account, () => act(ctx, ids), {
        action,
        code: "FORBIDDEN",
        message: expect.stringMatching(
          /Sign in and use your session: no API key may do this\.$/,
        ) as string,
        decision: { allowedBy: [] },
      });
    },
  );
});
