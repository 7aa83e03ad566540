import { Context } from "../../../src/context/context";
import { authenticate } from "../../../src/context/authenticate";
import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { signIn } from "../../../src/operations/sessions/signIn";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import { db, sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  asNobody,
  asStaleUser,
  aServiceUser,
  aSession,
  aUser,
  withToken,
  signedIn,
  services,
} from "../../support/factories";
import { atOnce, times } from "../../support/races";
import {
  denials,
  eventually,
  everything,
  expectDenied,
  expectRefused,
} from "../../support/refusals";

beforeAll(useDatabase);

const OLD = "correct horse battery staple";
const NEW = "quiet umbrella over seven rivers";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(OLD);
});
// What one test counts must not make another wait.
beforeEach(() => sqlAsOwner("delete from throttles"));

const anyone = (fields: Partial<User> = {}) => aUser({ passwordHash, ...fields });
const signInAs = async ({ email }: User, password: string) => {
  const { token } = signedIn(await signIn(asNobody(), email, password));
  return token;
};

describe("updatePassword", () => {
  it("U7, E5: changes it, ends the other sessions, and records both", async () => {
    const user = await anyone();
    const [mine, other] = [await aSession(user.id), await aSession(user.id)];

    await updatePassword(await withToken(mine.token), OLD, NEW);

    await expect(signInAs(user, OLD)).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });
    await expect(signInAs(user, NEW)).resolves.toBeDefined();
    await expect(withToken(mine.token)).resolves.toBeDefined();
    await expect(withToken(other.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const events = await sqlAsOwner(
      `select type, object_id, session_id, changes, decision from user_events
        where user_id = $1 and session_id = $2 order by id`,
      [user.id, mine.id],
    );
    expect(events).toMatchObject([
      {
        type: "user_password_updated.v1",
        object_id: user.id,
        changes: {},
        decision: {
          action: "update",
          allowed: true,
          rule: "Users change their own profile and sign-in.",
        },
      },
      { type: "session_ended.v1", object_id: other.id },
    ]);
    expect(JSON.stringify(await everything())).not.toContain(NEW);
    expect(JSON.stringify(events)).not.toContain("argon2");
  });

  it("U11: takes a fresh proof besides, which the password alone may not be", async () => {
    const user = await anyone();
    const ctx = await asStaleUser(user);
    await expectDenied(user, () => updatePassword(ctx, OLD, NEW), {
      action: "update User",
      code: "REAUTHENTICATION_REQUIRED",
    });
    await expect(signInAs(user, OLD)).resolves.toBeDefined();
  });

  it("U7, E1: takes the one there is, and records a wrong one alone", async () => {
    const user = await anyone();
    const { token } = await aSession(user.id);
    const background: Promise<unknown>[] = [];
    const request = { id: "req_test", ip: "192.0.2.7", userAgent: "jest" };
    const { principal } = await authenticate(db, token, request);
    const ctx = new Context({
      ...{ db, services, request, caller: principal },
      background: (work) => void background.push(work),
    });
    const before = await everything();

    const act = updatePassword(ctx, "something else entirely", NEW);
    await expect(act).rejects.toMatchObject({ code: "INVALID_CREDENTIALS" });

    await Promise.all(background);
    expect(await everything()).toEqual(before);
    expect((await denials()).filter(({ stream }) => stream === user.id)).toMatchObject([
      { type: "reauthentication_refused.v1", decision: { code: "INVALID_CREDENTIALS" } },
    ]);
  });

  it.each([
    ["too short", "short one", "BAD_USER_INPUT"],
    ["too long", "long ".repeat(60), "BAD_USER_INPUT"],
    ["common", "password1234567", "WEAK_PASSWORD"],
    ["the same", OLD, "BAD_USER_INPUT"],
  ])("U4: refuses a new one that is %s", async (_why, password, code) => {
    const user = await anyone();
    const ctx = await withToken((await aSession(user.id)).token);
    await expectRefused(() => updatePassword(ctx, OLD, password), {
      code,
      field: ["newPassword"],
    });
    await expect(signInAs(user, OLD)).resolves.toBeDefined();
  });

  it("U4: refuses one made of the person's own name and email", async () => {
    const user = await anyone({ name: "Wilhelmina Featherstonehaugh" });
    const ctx = await withToken((await aSession(user.id)).token);
    await expectRefused(() => updatePassword(ctx, OLD, "Wilhelmina Featherstonehaugh"), {
      code: "WEAK_PASSWORD",
    });
  });

  it("U7: lets one of many changes at once win", async () => {
    const user = await anyone();
    const { token } = await aSession(user.id);
    const callers = await Promise.all(times(4, () => withToken(token)));

    const { done, codes } = await atOnce(
      callers.map((ctx, i) => () => updatePassword(ctx, OLD, `${NEW} number ${i}`)),
    );

    expect([done, new Set(codes)]).toEqual([1, new Set(["INVALID_CREDENTIALS"])]);
    const events = await sqlAsOwner(
      "select from user_events where user_id = $1 and type = 'user_password_updated.v1'",
      [user.id],
    );
    expect(events).toHaveLength(1);
  });

  it("U9: does nothing for a session that was ended meanwhile", async () => {
    const user = await anyone();
    const { id, token } = await aSession(user.id);
    const ctx = await withToken(token);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);
    await expectRefused(() => updatePassword(ctx, OLD, NEW), { code: "UNAUTHENTICATED" });
  });

  it("U10: is throttled like signing in", async () => {
    const user = await anyone();
    const ctx = await withToken((await aSession(user.id)).token);
    for (let i = 0; i < 6; i++) {
      await expect(updatePassword(ctx, `guess ${i}`, NEW)).rejects.toMatchObject({
        code: "INVALID_CREDENTIALS",
      });
    }
    await sqlAsOwner("delete from graphile_worker._private_jobs");
    const before = await everything();
    delete before["jobs"];
    await expect(updatePassword(ctx, OLD, NEW)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await eventually(async () => (await everything())["jobs"] !== null);
    const { jobs, ...after } = await everything();
    expect(after).toEqual(before);
    expect(jobs).toMatchObject([
      { payload: { notice: "passwordGuessedInSession", userId: user.id } },
    ]);
  });

  it("U6: has no password to change where there is none", async () => {
    const user = await anyone({ passwordHash: null });
    const ctx = await withToken((await aSession(user.id)).token);
    await expect(updatePassword(ctx, OLD, NEW)).rejects.toMatchObject({
      code: "PASSWORD_NOT_SET",
    });
  });

  it("C7, E1: refuses an API key", async () => {
    const user = await anyone();
    const member = await aMember(await anAccount(), ADMINISTRATOR, { userId: user.id });
    const ctx = await withToken((await aCredential(member)).secret);
    await expectDenied(user, () => updatePassword(ctx, OLD, NEW), {
      action: "update User",
      code: "FORBIDDEN",
    });
  });

  it("S2, E1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await withToken((await aCredential(await aServiceUser(account))).secret);
    await expectDenied(account, () => updatePassword(ctx, OLD, NEW), {
      action: "update User",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    await expectRefused(() => updatePassword(asNobody(), OLD, NEW), { code: "UNAUTHENTICATED" });
  });
});
