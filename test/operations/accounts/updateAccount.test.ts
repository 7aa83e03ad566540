import { updateAccount } from "../../../src/operations/accounts/updateAccount";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
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

async function nameOf({ id }: { id: string }): Promise<string> {
  const [row] = await sqlAsOwner<{ name: string }>("select name from accounts where id = $1", [id]);
  return row!.name;
}

describe("updateAccount", () => {
  it("E1, E2: changes the name and records it", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);

    await updateAccount(await as(admin), account.id, { name: " Apex " });

    expect(await nameOf(account)).toBe("Apex");
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "account_updated.v1",
        principal_id: admin.userId,
        object_id: account.id,
        object: { id: account.id, name: "Apex" },
        changes: { name: ["Acme", "Apex"] },
        decision: {
          action: "update",
          allowed: true,
          rule: "Administrators change the account's settings.",
          roles: ["administrator"],
        },
      },
    ]);
  });

  it("C7, E2: by a key, does it as the key's owner and names the key", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const { credential, secret } = await aCredential(admin);

    await updateAccount(await withToken(secret), account.id, { name: "Apex" });

    expect(await eventsOf(account)).toMatchObject([
      {
        principal_id: admin.userId,
        surface: "API",
        credential_id: credential.id,
        session_id: null,
        decision: { methods: [], authenticatedAt: null },
      },
    ]);
  });

  it.each([
    ["the name it has", { name: "Acme" }],
    ["nothing", {}],
    ["undefined", { name: undefined }],
  ])("does nothing when given %s", async (_what, input) => {
    const account = await anAccount();

    await updateAccount(await as(await aMember(account, ADMINISTRATOR)), account.id, input);

    expect(await nameOf(account)).toBe("Acme");
    expect(await eventsOf(account)).toEqual([]);
  });

  it.each([
    ["no name", null],
    ["a blank name", "  "],
    ["a name of 256 bytes", "x".repeat(256)],
  ])("refuses %s", async (_what, name) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));

    await expectRefused(() => updateAccount(ctx, account.id, { name }), {
      code: "BAD_USER_INPUT",
      field: ["name"],
    });
  });

  it.each([["a team manager", MANAGER] as const, ...NOBODY_WHO_MANAGES])(
    "refuses %s",
    async (_who, roles) => {
      const account = await anAccount();
      const ctx = await as(await aMember(account, roles));

      await expectDenied(account, () => updateAccount(ctx, account.id, { name: "Apex" }), {
        action: "update Account",
        code: "FORBIDDEN",
        decision: { allowedBy: ["administrator"] },
      });
    },
  );

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => updateAccount(ctx, account.id, { name: "Apex" }), {
      action: "update Account",
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
      await expectNotFound(() => updateAccount(ctx, id, { name: "Apex" }));
    }
  });

  it("C7: by a key, does not find the owner's other account", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(other, ADMINISTRATOR, { userId: admin.userId });
    const ctx = await withToken((await aCredential(admin)).secret);

    await expectNotFound(() => updateAccount(ctx, other.id, { name: "Apex" }));
  });

  it("E2: tells the true change of each of many made at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const callers = await Promise.all(times(5, () => as(admin)));

    await atOnce(
      callers.map((ctx, i) => () => updateAccount(ctx, account.id, { name: `Acme ${i}` })),
    );

    const changes = (await eventsOf(account)).map((event) => event["changes"]);
    const names = (changes as { name: [string, string] }[]).map(({ name }) => name);
    expect(names).toHaveLength(5);
    names.forEach(([was], i) => expect(was).toBe(i === 0 ? "Acme" : names[i - 1]![1]));
    expect(await nameOf(account)).toBe(names.at(-1)![1]);
  });

  it.each([
    ["demoted", "administrator = false", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("refuses a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => updateAccount(ctx, account.id, { name: "Apex" }),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await nameOf(account)).toBe("Acme");
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M10: does not find an account that is deleted while it waits", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));

    const outcome = await whileWaiting(
      account,
      () => updateAccount(ctx, account.id, { name: "Apex" }),
      () => sqlAsOwner("update accounts set deleted_at = now() where id = $1", [account.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "NOT_FOUND" } });
    expect(await nameOf(account)).toBe("Acme");
    expect(await eventsOf(account)).toEqual([]);
  });
});
