import { createAccount } from "../../../src/operations/accounts/createAccount";
import { deleteAccount } from "../../../src/operations/accounts/deleteAccount";
import { updateAccount } from "../../../src/operations/accounts/updateAccount";
import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { createAuthtoken } from "../../../src/operations/credentials/createAuthtoken";
import { updateMemberRoles } from "../../../src/operations/members/updateMemberRoles";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  DEVELOPER,
  eventsOf,
  MANAGER,
  withToken,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import {
  expectDenied,
  expectNotFound,
  expectRefused,
  NOBODY_WHO_MANAGES,
  UNKNOWN,
} from "../../support/refusals";

beforeAll(useDatabase);

async function deletedAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ deleted_at: Date | null }>(
    "select deleted_at from accounts where id = $1",
    [id],
  );
  return row!.deleted_at;
}

describe("deleteAccount", () => {
  it("M10, E1, E2: closes the account and records it", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);

    await deleteAccount(await as(admin), account.id, "Acme");

    const at = (await deletedAt(account))!.toISOString();
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "account_deleted.v1",
        principal_id: admin.userId,
        object_id: account.id,
        object: { id: account.id, deletedAt: at },
        changes: { deletedAt: [null, at] },
        decision: {
          action: "delete",
          allowed: true,
          rule: "Administrators decide how members get in, and may delete the account: in a session, not with an API key.",
          roles: ["administrator"],
        },
      },
    ]);
  });

  it("M10: ends its sessions' and keys' way in, and leaves its members' other accounts alone", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);
    const elsewhere = await aMember(other, DEVELOPER, { userId: member.userId });
    const [session, also] = [await as(member), await as(member)];
    const keys = [
      await aCredential(member),
      await aCredential(admin),
      await aCredential(await aServiceUser(account)),
    ];
    const kept = await aCredential(elsewhere);

    await deleteAccount(await as(admin), account.id, "Acme");

    await expect(session.in(account.id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    for (const { secret } of keys) {
      await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    await expect(also.in(other.id)).resolves.toBeDefined();
    await expect(withToken(kept.secret)).resolves.toBeDefined();
    expect(await eventsOf(other)).toEqual([]);
  });

  it("M10: is for the administrator, as any, who would be the last to leave", async () => {
    const ctx = await as(await aMember(await anAccount(), ADMINISTRATOR));
    const { id } = await createAccount(ctx, "Short-lived");

    await deleteAccount(ctx, id, "Short-lived");

    expect(await deletedAt({ id })).not.toBeNull();
    expect((await eventsOf({ id })).map(({ type }) => type)).toEqual([
      "account_created.v1",
      "member_added.v1",
      "account_deleted.v1",
    ]);
  });

  it.each(["", "acme", "Acme ", "Apex"])("M10: refuses %p for a name", async (name) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));

    await expectRefused(() => deleteAccount(ctx, account.id, name), {
      code: "BAD_USER_INPUT",
      field: ["name"],
    });
  });

  it.each([["a team manager", MANAGER] as const, ...NOBODY_WHO_MANAGES])(
    "M10: refuses %s, with the name or without",
    async (_who, roles) => {
      const account = await anAccount();
      const ctx = await as(await aMember(account, roles));

      await expectDenied(account, () => deleteAccount(ctx, account.id, "Acme"), {
        action: "delete Account",
        code: "FORBIDDEN",
        decision: { allowedBy: ["administrator"] },
      });
      await expectRefused(() => deleteAccount(ctx, account.id, "?"), { code: "FORBIDDEN" });
    },
  );

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => deleteAccount(ctx, account.id, "Acme"), {
      action: "delete Account",
      code: "FORBIDDEN",
    });
  });

  it("M2, Y3: does not find another's account, nobody's, or a deleted one", async () => {
    const admin = await aMember(await anAccount(), ADMINISTRATOR);
    const ctx = await as(admin);
    const others = await anAccount();
    const deleted = await anAccount({ deletedAt: new Date() });
    await aMember(deleted, ADMINISTRATOR, { userId: admin.userId });

    for (const id of [others.id, UNKNOWN.Account, deleted.id]) {
      await expectNotFound(() => deleteAccount(ctx, id, "Acme"));
    }
  });

  it("records one event when many delete it at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const callers = await Promise.all(times(4, () => as(admin)));

    const outcome = await atOnce(
      callers.map((ctx) => () => deleteAccount(ctx, account.id, "Acme")),
    );

    expect(outcome).toEqual({ done: 1, codes: times(3, () => "NOT_FOUND") });
    expect(await eventsOf(account)).toMatchObject([{ type: "account_deleted.v1" }]);
  });

  it("M10: lets nothing be made or changed after it, by whoever was waiting", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const member = await aMember(account, DEVELOPER);
      const byService = await as(await aServiceUser(account));
      const callers = await Promise.all([admin, member, admin, admin].map(as));
      const acts = [
        () => deleteAccount(callers[0]!, account.id, "Acme"),
        () => createApiKey(callers[1]!, account.id, {}),
        () => createAuthtoken(byService, account.id, {}),
        () => updateMemberRoles(callers[2]!, member.id, { administrator: true }),
        () => updateAccount(callers[3]!, account.id, {}),
      ];

      const { codes } = await atOnce(times(5, (i) => acts[(i + round) % 5]!));

      expect(codes.filter((code) => code !== "NOT_FOUND")).toEqual([]);
      expect(await deletedAt(account)).not.toBeNull();
      const types = (await eventsOf(account)).map(({ type }) => type);
      expect(types.indexOf("account_deleted.v1")).toBe(types.length - 1);
      const credentials = await sqlAsOwner("select from credentials where account_id = $1", [
        account.id,
      ]);
      // One is the service user's own key.
      expect(types.filter((type) => /^(api_key|authtoken)_/.test(type))).toHaveLength(
        credentials.length - 1,
      );
    }
  });

  it("M10: asks for the name that it has by the time it is deleted", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));

    const outcome = await whileWaiting(
      account,
      () => deleteAccount(ctx, account.id, "Acme"),
      () => sqlAsOwner("update accounts set name = 'Apex' where id = $1", [account.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "BAD_USER_INPUT" } });
    expect(await deletedAt(account)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
  });

  it("refuses a caller who is demoted while waiting", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => deleteAccount(ctx, account.id, "Acme"),
      () => sqlAsOwner("update memberships set administrator = false where id = $1", [admin.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "FORBIDDEN" } });
    expect(await deletedAt(account)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
  });
});
