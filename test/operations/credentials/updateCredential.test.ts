import type { Roles } from "../../../src/entities/roles";
import { revokeCredential } from "../../../src/operations/credentials/revokeCredential";
import { updateCredential } from "../../../src/operations/credentials/updateCredential";
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
  INVITER,
  MANAGER,
  READER,
  withToken,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import {
  BILLING,
  expectDenied,
  expectNotFound,
  expectRefused,
  UNKNOWN,
} from "../../support/refusals";

beforeAll(useDatabase);

const TEXTS = { description: "old", metadata: "kept" };
const wanted = { description: "new" };

async function textsOf({ id }: { id: string }): Promise<object> {
  const [row] = await sqlAsOwner("select description, metadata from credentials where id = $1", [
    id,
  ]);
  return row!;
}

describe("updateCredential", () => {
  it("C3, E1, E2: changes what is given, leaves the rest, and records what changed", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const { credential, secret } = await aCredential(await aMember(account, DEVELOPER), TEXTS);

    await updateCredential(await as(admin), credential.id, { ...wanted, metadata: undefined });

    expect(await textsOf(credential)).toEqual({ description: "new", metadata: "kept" });
    const events = await eventsOf(account);
    expect(events).toMatchObject([
      {
        type: "credential_updated.v1",
        principal_id: admin.userId,
        object_id: credential.id,
        object: { description: "new", metadata: "kept" },
        decision: {
          action: "update",
          allowed: true,
          rule: "Administrators manage every credential, and create them for any owner.",
        },
      },
    ]);
    expect(events[0]!["changes"]).toEqual({ description: ["old", "new"] });
    await expect(withToken(secret)).resolves.toBeDefined();
  });

  it("C3: clears a text that is given as null", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member, TEXTS);

    await updateCredential(await as(member), credential.id, { description: null, metadata: null });

    expect(await textsOf(credential)).toEqual({ description: "", metadata: "" });
  });

  it.each([
    ["what is there already", TEXTS],
    ["nothing", {}],
  ])("does nothing when given %s", async (_what, input) => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member, TEXTS);

    await updateCredential(await as(member), credential.id, input);

    expect(await textsOf(credential)).toEqual(TEXTS);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("C3: takes 255 bytes of description and 4,096 of metadata", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member);
    const texts = { description: "é".repeat(127) + "e", metadata: "é".repeat(2048) };

    await updateCredential(await as(member), credential.id, texts);

    expect(await textsOf(credential)).toEqual(texts);
  });

  it.each([
    ["description", 255],
    ["metadata", 4096],
  ])("C3: refuses a %s of more than %i bytes", async (field, limit) => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member, TEXTS);
    const ctx = await as(member);
    const text = "é".repeat(Math.floor(limit / 2)) + "ee";

    await expectRefused(() => updateCredential(ctx, credential.id, { ...wanted, [field]: text }), {
      code: "BAD_USER_INPUT",
      field: [field],
    });
  });

  it("C10: refuses to change what is revoked", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member, { ...TEXTS, revokedAt: new Date() });
    const ctx = await as(member);

    await expectRefused(() => updateCredential(ctx, credential.id, wanted), { code: "CONFLICT" });
  });

  it.each<[string, Partial<Roles>]>([
    ["an administrator", ADMINISTRATOR],
    ["a team manager", MANAGER],
    ["a team inviter", INVITER],
    ["an owner with billing access", BILLING],
  ])(
    "C11: keeps a developer, and a service user, from changing one of %s",
    async (_what, roles) => {
      const account = await anAccount();
      const { credential } = await aCredential(await aMember(account, roles), TEXTS);

      for (const caller of [await aMember(account, DEVELOPER), await aServiceUser(account)]) {
        const ctx = await as(caller);
        await expectDenied(account, () => updateCredential(ctx, credential.id, wanted), {
          action: "update Credential",
          code: "FORBIDDEN",
        });
      }
    },
  );

  it("C11: lets a developer, and a service user, change those of owners not above them", async () => {
    const account = await anAccount();
    const callers = [await aMember(account, DEVELOPER), await aServiceUser(account)];
    const owners = [...callers, await aMember(account, DEVELOPER), await aMember(account, READER)];

    for (const caller of callers) {
      for (const owner of owners) {
        const { credential } = await aCredential(owner, TEXTS);
        await updateCredential(await as(caller), credential.id, wanted);
        expect(await textsOf(credential)).toMatchObject(wanted);
      }
    }
  });

  it("C11: goes by the roles the owner has now", async () => {
    const account = await anAccount();
    const asAdmin = await as(await aMember(account, ADMINISTRATOR));
    const developer = await as(await aMember(account, DEVELOPER));
    const owner = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(owner, TEXTS);

    await updateMemberRoles(asAdmin, owner.id, { administrator: true });
    await expectDenied(account, () => updateCredential(developer, credential.id, wanted), {
      action: "update Credential",
      code: "FORBIDDEN",
    });
    await updateMemberRoles(asAdmin, owner.id, { administrator: false });
    await updateCredential(developer, credential.id, wanted);

    expect(await textsOf(credential)).toMatchObject(wanted);
  });

  it.each([
    ["a team manager", MANAGER],
    ["a team inviter", INVITER],
    ["whoever has billing access", BILLING],
    ["a reader", READER],
  ])("refuses %s, even their own", async (_who, roles) => {
    const account = await anAccount();
    const member = await aMember(account, roles);
    const ctx = await as(member);
    const { credential } = await aCredential(member, TEXTS);

    await expectDenied(account, () => updateCredential(ctx, credential.id, wanted), {
      action: "update Credential",
      code: "FORBIDDEN",
    });
  });

  it("M2, Y3: does not find one of another account, or of nobody", async () => {
    const ctx = await as(await aMember(await anAccount(), ADMINISTRATOR));
    const { credential } = await aCredential(await aMember(await anAccount()));

    await expectNotFound(() => updateCredential(ctx, credential.id, wanted));
    await expectNotFound(() => updateCredential(ctx, UNKNOWN.ApiKey, wanted));
  });

  it("C7: by a key, does not find one of its owner's in another account", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const elsewhere = await aMember(await anAccount(), ADMINISTRATOR, { userId: member.userId });
    const { credential } = await aCredential(elsewhere);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectNotFound(() => updateCredential(ctx, credential.id, wanted));
  });

  it("records one event when many make the same change at once", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member, TEXTS);
    const callers = await Promise.all(times(5, () => as(member)));

    const { done } = await atOnce(
      callers.map((ctx) => () => updateCredential(ctx, credential.id, wanted)),
    );

    expect(done).toBe(5);
    expect(await eventsOf(account)).toHaveLength(1);
  });

  it("C10: changes nothing after a revocation made at the same instant", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const member = await aMember(account, DEVELOPER);
      const { credential } = await aCredential(member, TEXTS);
      const [one, two] = [await as(member), await as(member)];

      const { codes } = await atOnce([
        () => revokeCredential(one, credential.id),
        () => updateCredential(two, credential.id, wanted),
      ]);

      const types = (await eventsOf(account)).map(({ type }) => type);
      expect(types.at(-1)).toBe("credential_revoked.v1");
      expect(codes).toEqual(types.length === 1 ? ["CONFLICT"] : []);
      expect(await textsOf(credential)).toEqual(
        types.length === 1 ? TEXTS : { ...TEXTS, ...wanted },
      );
    }
  });

  it.each([
    ["demoted", "administrator = false", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("refuses a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const { credential } = await aCredential(await aMember(account), TEXTS);
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => updateCredential(ctx, credential.id, wanted),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await textsOf(credential)).toEqual(TEXTS);
    expect(await eventsOf(account)).toEqual([]);
  });
});
