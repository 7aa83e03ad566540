import { createAccount } from "../../../src/operations/accounts/createAccount";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  asNobody,
  aServiceUser,
  asUser,
  aUser,
  eventsOf,
  withToken,
} from "../../support/factories";
import { atOnce, times } from "../../support/races";
import { expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

describe("createAccount", () => {
  it("M1, E1, E2: makes the caller its first administrator, and records both", async () => {
    const user = await aUser();

    const account = await createAccount(await asUser(user), "  Ärzte & Co  ");

    expect(account).toMatchObject({ name: "Ärzte & Co", deletedAt: null });
    const members = await sqlAsOwner("select * from memberships where account_id = $1", [
      account.id,
    ]);
    expect(members).toMatchObject([
      {
        user_id: user.id,
        administrator: true,
        developer: "READ_ONLY",
        team: "READ_ONLY",
        billing: "NONE",
        provisioning: "FOUNDER",
        disabled_at: null,
        removed_at: null,
      },
    ]);
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "account_created.v1",
        principal_id: user.id,
        object_id: account.id,
        object: { id: account.id, name: "Ärzte & Co" },
        changes: { id: [null, account.id], name: [null, "Ärzte & Co"] },
        decision: {
          action: "create",
          allowed: true,
          rule: "Users with a verified email may create accounts.",
        },
      },
      {
        type: "member_added.v1",
        object_id: members[0]!["id"],
        changes: { userId: [null, user.id], administrator: [null, true] },
        decision: {
          action: "create",
          allowed: true,
          rule: "The user who creates an account is its first administrator.",
        },
      },
    ]);
  });

  it("M1: lets the caller into it at once, by the same request", async () => {
    const ctx = await asUser(await aUser());

    const { id } = await createAccount(ctx, "Acme");

    expect((await ctx.in(id)).standing).toMatchObject({ roles: { administrator: true } });
  });

  it("M2: makes as many accounts as the user wants, each of its own, of one name or not", async () => {
    const user = await aUser();
    const callers = await Promise.all(times(5, () => asUser(user)));

    const { done } = await atOnce(callers.map((ctx) => () => createAccount(ctx, "Acme")));

    expect(done).toBe(5);
    const accounts = await sqlAsOwner<{ id: string }>(
      "select account_id as id from memberships where user_id = $1 and administrator",
      [user.id],
    );
    expect(accounts).toHaveLength(5);
    for (const account of accounts) expect(await eventsOf(account)).toHaveLength(2);
  });

  it("U1: refuses a user whose email is not verified", async () => {
    const user = await aUser({ emailVerifiedAt: null });
    const ctx = await asUser(user);

    await expectDenied(user, () => createAccount(ctx, "Acme"), {
      action: "create Account",
      code: "FORBIDDEN",
    });
  });

  it("Y4: says what would help: a confirmed email, or a session where a key asks", async () => {
    const unverified = await asUser(await aUser({ emailVerifiedAt: null }));
    await expect(createAccount(unverified, "Acme")).rejects.toMatchObject({
      message: "You may not create this account. Confirm your email first.",
    });

    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const key = await withToken((await aCredential(member)).secret);
    await expect(createAccount(key, "Acme")).rejects.toMatchObject({
      message:
        "You may not create this account. Sign in and use your session: no API key may do this.",
    });
  });

  it("C7: refuses an API key, even an administrator's", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectDenied({ id: member.userId }, () => createAccount(ctx, "Acme"), {
      action: "create Account",
      code: "FORBIDDEN",
    });
  });

  it("S1, E1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => createAccount(ctx, "Acme"), {
      action: "create Account",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    await expectRefused(() => createAccount(asNobody(), "Acme"), { code: "UNAUTHENTICATED" });
  });

  it.each([
    ["an empty name", ""],
    ["a blank name", " \t\n "],
    ["a name of 256 bytes", "é".repeat(128)],
  ])("refuses %s", async (_what, name) => {
    const ctx = await asUser(await aUser());

    await expectRefused(() => createAccount(ctx, name), {
      code: "BAD_USER_INPUT",
      field: ["name"],
    });
  });

  it("takes a name of 255 bytes", async () => {
    const name = "é".repeat(127) + "e";

    expect(await createAccount(await asUser(await aUser()), name)).toMatchObject({ name });
  });
});
