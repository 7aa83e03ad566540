import { CredentialKind } from "../../../src/entities/Credential";
import type { Roles } from "../../../src/entities/roles";
import { revokeCredential } from "../../../src/operations/credentials/revokeCredential";
import { removeMember } from "../../../src/operations/members/removeMember";
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

async function revokedAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ revoked_at: Date | null }>(
    "select revoked_at from credentials where id = $1",
    [id],
  );
  return row!.revoked_at;
}

const ABOVE_A_DEVELOPER: [what: string, roles: Partial<Roles>, name: string][] = [
  ["an administrator", ADMINISTRATOR, "administrator"],
  ["a team manager", MANAGER, "team MANAGER"],
  ["a team inviter", INVITER, "team INVITE_ONLY"],
  ["an owner with billing access", BILLING, "billing ACCESS"],
];

describe("revokeCredential", () => {
  it.each(Object.values(CredentialKind))(
    "C10, E1, E2: ends the %s for good, keeps it listed, and records it",
    async (kind) => {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const { credential } = await aCredential(await aMember(account, DEVELOPER), { kind });

      await revokeCredential(await as(admin), credential.id);

      const at = (await revokedAt(credential))!.toISOString();
      expect(await eventsOf(account)).toMatchObject([
        {
          type: "credential_revoked.v1",
          principal_id: admin.userId,
          object_id: credential.id,
          object: { id: credential.id, kind, revokedAt: at },
          changes: { revokedAt: [null, at] },
          decision: {
            action: "revoke",
            allowed: true,
            rule: "Administrators manage every credential, and create them for any owner.",
            roles: ["administrator"],
          },
        },
      ]);
    },
  );

  it("C10: takes the key's access with it, from the next request on", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential, secret } = await aCredential(member);
    const other = await aCredential(member);
    await expect(withToken(secret)).resolves.toBeDefined();

    await revokeCredential(await as(member), credential.id);

    await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(withToken(other.secret)).resolves.toBeDefined();
  });

  it("C10: lets a key revoke itself, once", async () => {
    const account = await anAccount();
    const { credential, secret } = await aCredential(await aMember(account, DEVELOPER));

    await revokeCredential(await withToken(secret), credential.id);

    await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await eventsOf(account)).toMatchObject([{ credential_id: credential.id }]);
  });

  it("does nothing to what is revoked", async () => {
    const account = await anAccount();
    const since = new Date("2026-01-02T03:04:05.678Z");
    const { credential } = await aCredential(await aMember(account), { revokedAt: since });

    await revokeCredential(await as(await aMember(account, ADMINISTRATOR)), credential.id);

    expect(await revokedAt(credential)).toEqual(since);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("C11: lets a developer revoke another's, a reader's and a service user's", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));
    const owners = [
      await aMember(account, DEVELOPER),
      await aMember(account, READER),
      await aServiceUser(account),
    ];

    for (const owner of owners) {
      const { credential } = await aCredential(owner);
      await revokeCredential(ctx, credential.id);
      expect(await revokedAt(credential)).not.toBeNull();
    }
    expect(await eventsOf(account)).toHaveLength(3);
  });

  it.each(ABOVE_A_DEVELOPER)(
    "C11: keeps a developer from revoking one of %s",
    async (_what, roles, name) => {
      const account = await anAccount();
      const ctx = await as(await aMember(account, DEVELOPER));
      const { credential } = await aCredential(await aMember(account, roles));

      await expectDenied(account, () => revokeCredential(ctx, credential.id), {
        action: "revoke Credential",
        code: "FORBIDDEN",
        decision: {
          allowedBy: [
            "administrator",
            ...(name === "team INVITE_ONLY" ? ["team MANAGER"] : []),
            ...(name === "administrator" ? [] : [name]),
          ],
        },
      });
    },
  );

  it.each(ABOVE_A_DEVELOPER)(
    "C11: keeps a service user from revoking one of %s",
    async (_what, roles) => {
      const account = await anAccount();
      const ctx = await as(await aServiceUser(account));
      const { credential } = await aCredential(await aMember(account, roles));

      await expectDenied(account, () => revokeCredential(ctx, credential.id), {
        action: "revoke Credential",
        code: "FORBIDDEN",
      });
    },
  );

  it("C11: lets a developer who is a team manager too revoke those of team managers and inviters", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, { ...DEVELOPER, team: MANAGER.team }));

    for (const roles of [MANAGER, INVITER]) {
      const { credential } = await aCredential(await aMember(account, roles));
      await revokeCredential(ctx, credential.id);
      expect(await revokedAt(credential)).not.toBeNull();
    }
  });

  it("C11: goes by the roles the owner has now", async () => {
    const account = await anAccount();
    const asAdmin = await as(await aMember(account, ADMINISTRATOR));
    const developer = await as(await aMember(account, DEVELOPER));
    const owner = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(owner);

    await updateMemberRoles(asAdmin, owner.id, { billing: BILLING.billing });
    await expectDenied(account, () => revokeCredential(developer, credential.id), {
      action: "revoke Credential",
      code: "FORBIDDEN",
    });
    await updateMemberRoles(asAdmin, owner.id, { billing: READER.billing });
    await revokeCredential(developer, credential.id);

    expect(await revokedAt(credential)).not.toBeNull();
  });

  it("C11: goes by the roles the owner has got while it waited", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));
    const owner = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(owner);

    const outcome = await whileWaiting(
      account,
      () => revokeCredential(ctx, credential.id),
      () => sqlAsOwner("update memberships set administrator = true where id = $1", [owner.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "FORBIDDEN" } });
    expect(await revokedAt(credential)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
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
    const own = await aCredential(member);
    const { credential } = await aCredential(await aMember(account));

    await expectDenied(account, () => revokeCredential(ctx, credential.id), {
      action: "revoke Credential",
      code: "FORBIDDEN",
    });
    await expectRefused(() => revokeCredential(ctx, own.credential.id), { code: "FORBIDDEN" });
  });

  it("M4: refuses a disabled member", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER, { disabledAt: new Date() });
    const { credential } = await aCredential(member);
    const ctx = await as(member);

    await expectDenied(account, () => revokeCredential(ctx, credential.id), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
  });

  it("M2, Y3: does not find one of another account, or of nobody", async () => {
    const ctx = await as(await aMember(await anAccount(), ADMINISTRATOR));
    const { credential } = await aCredential(await aMember(await anAccount()));

    await expectNotFound(() => revokeCredential(ctx, credential.id));
    await expectNotFound(() => revokeCredential(ctx, UNKNOWN.ApiKey));
  });

  it("C7: by a key, does not find one of its owner's in another account", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const elsewhere = await aMember(await anAccount(), ADMINISTRATOR, { userId: member.userId });
    const { credential } = await aCredential(elsewhere);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectNotFound(() => revokeCredential(ctx, credential.id));
  });

  it("records one event when many revoke it at once", async () => {
    for (let round = 1; round <= 5; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const { credential } = await aCredential(await aMember(account, DEVELOPER));
      const callers = await Promise.all(times(5, () => as(admin)));

      const { done } = await atOnce(
        callers.map((ctx) => () => revokeCredential(ctx, credential.id)),
      );

      expect(done).toBe(5);
      expect(await eventsOf(account)).toMatchObject([{ type: "credential_revoked.v1" }]);
    }
  });

  it("M5: records one revocation when the owner is removed at the same instant", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const member = await aMember(account, DEVELOPER);
      const { credential } = await aCredential(member);
      const [one, two] = [await as(admin), await as(admin)];

      const outcome = await atOnce([
        () => revokeCredential(one, credential.id),
        () => removeMember(two, member.id),
      ]);

      expect(outcome).toEqual({ done: 2, codes: [] });
      const types = (await eventsOf(account)).map(({ type }) => type);
      expect(types).toEqual(["credential_revoked.v1", "member_removed.v1"]);
    }
  });

  it.each([
    ["demoted", "administrator = false", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("refuses a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const { credential } = await aCredential(await aMember(account));
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => revokeCredential(ctx, credential.id),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await revokedAt(credential)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
  });

  it("C10: refuses a key that is revoked while its request waits", async () => {
    const account = await anAccount();
    const member = await aMember(account, ADMINISTRATOR);
    const key = await aCredential(member);
    const { credential } = await aCredential(member);
    const ctx = await withToken(key.secret);

    const outcome = await whileWaiting(
      account,
      () => revokeCredential(ctx, credential.id),
      () =>
        sqlAsOwner("update credentials set revoked_at = now() where id = $1", [key.credential.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAUTHENTICATED" } });
    expect(await revokedAt(credential)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
  });
});
