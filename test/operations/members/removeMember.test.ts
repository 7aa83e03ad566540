import type { Account } from "../../../src/entities/Account";
import { CredentialKind } from "../../../src/entities/Credential";
import type { Membership } from "../../../src/entities/Membership";
import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { createAuthtoken } from "../../../src/operations/credentials/createAuthtoken";
import { removeMember } from "../../../src/operations/members/removeMember";
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

async function removedAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ removed_at: Date | null }>(
    "select removed_at from memberships where id = $1",
    [id],
  );
  return row!.removed_at;
}

/** Ids of the credentials of this member that are not revoked. */
async function liveCredentials({ id }: Membership): Promise<string[]> {
  const rows = await sqlAsOwner<{ id: string }>(
    "select id from credentials where membership_id = $1 and revoked_at is null order by id",
    [id],
  );
  return rows.map((row) => row.id);
}

async function typesIn(account: Account): Promise<string[]> {
  return (await eventsOf(account)).map(({ type }) => type);
}

describe("removeMember", () => {
  it("M5, E1, E2: ends the membership, revokes its credentials, and records each", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);
    const { credential: key } = await aCredential(member);
    const { credential: token } = await aCredential(member, { kind: CredentialKind.AUTHTOKEN });
    const revoked = await aCredential(member, { revokedAt: new Date("2026-01-02T03:04:05Z") });

    await removeMember(await as(admin), member.id);

    const at = (await removedAt(member))!.toISOString();
    const decision = {
      allowed: true,
      rule: "Administrators manage every member.",
      roles: ["administrator"],
    };
    const revocation = {
      type: "credential_revoked.v1",
      changes: { revokedAt: [null, at] },
      decision: { action: "revoke", ...decision },
    };
    expect(await eventsOf(account)).toMatchObject([
      { ...revocation, object_id: key.id, object: { revokedAt: at } },
      { ...revocation, object_id: token.id, object: { revokedAt: at } },
      {
        type: "member_removed.v1",
        principal_id: admin.userId,
        object_id: member.id,
        object: { id: member.id, removedAt: at },
        changes: { removedAt: [null, at] },
        decision: { action: "remove", ...decision },
      },
    ]);
    expect(await liveCredentials(member)).toEqual([]);
    const [before] = await sqlAsOwner("select revoked_at from credentials where id = $1", [
      revoked.credential.id,
    ]);
    expect(before).toEqual({ revoked_at: revoked.credential.revokedAt });
  });

  it("M5: leaves the user, their other accounts, and everyone else's credentials alone", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);
    const elsewhere = await aMember(other, ADMINISTRATOR, { userId: member.userId });
    const colleague = await aMember(account, DEVELOPER);
    const kept = [
      await aCredential(elsewhere),
      await aCredential(colleague),
      await aCredential(await aServiceUser(account)),
    ];
    const session = await as(member);

    await removeMember(await as(admin), member.id);

    expect(await removedAt(elsewhere)).toBeNull();
    for (const { secret } of kept) await expect(withToken(secret)).resolves.toBeDefined();
    await expect(session.in(other.id)).resolves.toBeDefined();
    await expect(session.in(account.id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await eventsOf(other)).toEqual([]);
  });

  it("M3: is for team managers too, with the keys of a developer, which they could not revoke", async () => {
    const account = await anAccount();
    const manager = await aMember(account, MANAGER);
    const member = await aMember(account, DEVELOPER);
    await aCredential(member);

    await removeMember(await as(manager), member.id);

    expect(await liveCredentials(member)).toEqual([]);
    const rule = "Team managers manage members who are not administrators.";
    expect(await eventsOf(account)).toMatchObject([
      { type: "credential_revoked.v1", decision: { action: "revoke", rule } },
      { type: "member_removed.v1", decision: { action: "remove", rule } },
    ]);
  });

  it("M7: lets an administrator remove themselves while another is there", async () => {
    const account = await anAccount();
    await aMember(account, ADMINISTRATOR);
    const admin = await aMember(account, ADMINISTRATOR);

    await removeMember(await as(admin), admin.id);

    expect(await removedAt(admin)).not.toBeNull();
    expect(await typesIn(account)).toEqual(["member_removed.v1"]);
  });

  it("M7: lets a disabled administrator be removed by the last active one", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const disabled = await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });

    await removeMember(await as(admin), disabled.id);

    expect(await removedAt(disabled)).not.toBeNull();
  });

  it("M7: keeps the last administrator, and their credentials", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });
    await aCredential(admin);
    const ctx = await as(admin);

    await expectRefused(() => removeMember(ctx, admin.id), { code: "LAST_ADMINISTRATOR" });
  });

  it("M3: leaves an administrator alone when a team manager asks", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(account, ADMINISTRATOR);

    await expectDenied(account, () => removeMember(ctx, admin.id), {
      action: "remove Member",
      code: "ADMINISTRATOR_REQUIRED",
      decision: { allowedBy: ["administrator"] },
    });
  });

  it.each(NOBODY_WHO_MANAGES)("M3: refuses %s", async (_who, roles) => {
    const account = await anAccount();
    const member = await aMember(account);
    await aCredential(member);
    const ctx = await as(await aMember(account, roles));

    await expectDenied(account, () => removeMember(ctx, member.id), {
      action: "remove Member",
      code: "FORBIDDEN",
      decision: { allowedBy: ["administrator", "team MANAGER"] },
    });
  });

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const member = await aMember(account);
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => removeMember(ctx, member.id), {
      action: "remove Member",
      code: "FORBIDDEN",
    });
  });

  it("M2, Y3: does not find a member of another account, of nobody, or removed already", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const stranger = await aMember(await anAccount());
    const removed = await aMember(account, {}, { removedAt: new Date() });

    await expectNotFound(() => removeMember(ctx, stranger.id));
    await expectNotFound(() => removeMember(ctx, UNKNOWN.Membership));
    await expectNotFound(() => removeMember(ctx, removed.id));
  });

  it("M5: gives who comes back a new membership, and leaves the old credentials revoked", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { secret } = await aCredential(member);
    await removeMember(await as(await aMember(account, ADMINISTRATOR)), member.id);

    const back = await aMember(account, DEVELOPER, { userId: member.userId });

    expect(back.id).not.toBe(member.id);
    await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await liveCredentials(member)).toEqual([]);
    await expect((await as(back)).in(account.id)).resolves.toBeDefined();
  });

  it("records one event when many remove the same member at once", async () => {
    for (let round = 1; round <= 5; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const member = await aMember(account);
      await aCredential(member);
      const callers = await Promise.all(times(4, () => as(admin)));

      const outcome = await atOnce(callers.map((ctx) => () => removeMember(ctx, member.id)));

      expect(outcome).toEqual({ done: 1, codes: times(3, () => "NOT_FOUND") });
      expect(await typesIn(account)).toEqual(["credential_revoked.v1", "member_removed.v1"]);
    }
  });

  it("M7: leaves one administrator standing when two remove each other at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const ann = await aMember(account, ADMINISTRATOR);
      const ben = await aMember(account, ADMINISTRATOR);
      const [asAnn, asBen] = [await as(ann), await as(ben)];

      const outcome = await atOnce([
        () => removeMember(asAnn, ben.id),
        () => removeMember(asBen, ann.id),
      ]);

      expect(outcome).toEqual({ done: 1, codes: ["NOT_FOUND"] });
      expect([await removedAt(ann), await removedAt(ben)].filter((at) => !at)).toHaveLength(1);
      expect(await typesIn(account)).toEqual(["member_removed.v1"]);
    }
  });

  it.each([
    ["demoted", "administrator = false", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("refuses a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const { credential } = await aCredential(member);
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => removeMember(ctx, member.id),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await removedAt(member)).toBeNull();
    expect(await liveCredentials(member)).toEqual([credential.id]);
    expect(await eventsOf(account)).toEqual([]);
  });
});

describe("removeMember, against credentials being made", () => {
  it("M5: revokes a credential that came while it waited", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const member = await aMember(account, DEVELOPER);

    await whileWaiting(
      account,
      () => removeMember(ctx, member.id),
      () => aCredential(member),
    );

    expect(await liveCredentials(member)).toEqual([]);
    expect(await typesIn(account)).toEqual(["credential_revoked.v1", "member_removed.v1"]);
  });

  it.each([
    ["for its owner by an administrator", createApiKey],
    ["for its owner by an administrator", createAuthtoken],
  ])("M5: makes no credential %s once the owner is gone (%p)", async (_who, create) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const member = await aMember(account, DEVELOPER);

    const outcome = await whileWaiting<unknown>(
      account,
      () => create(ctx, account.id, { ownerId: member.id }),
      () => sqlAsOwner("update memberships set removed_at = now() where id = $1", [member.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "NOT_FOUND" } });
    expect(await liveCredentials(member)).toEqual([]);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M5: leaves none unrevoked, whoever makes them while their owner is removed", async () => {
    let created = 0;
    for (let round = 1; round <= 15; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const member = await aMember(account, DEVELOPER);
      const old = await aCredential(member);
      const [asAdmin, remover] = [await as(admin), await as(admin)];
      const [asMember, byKey] = [await as(member), await withToken(old.secret)];
      const secrets: string[] = [old.secret];
      const make = async (made: Promise<{ secret: string }>) => {
        secrets.push((await made).secret);
      };
      const acts = [
        () => make(createApiKey(asAdmin, account.id, { ownerId: member.id })),
        () => make(createAuthtoken(asMember, account.id, {})),
        () => make(createApiKey(byKey, account.id, {})),
        () => removeMember(remover, member.id),
      ];

      await atOnce(times(4, (i) => acts[(i + round) % 4]!));

      expect(await removedAt(member)).not.toBeNull();
      expect(await liveCredentials(member)).toEqual([]);
      for (const secret of secrets.filter((text) => text.startsWith("gak"))) {
        await sqlAsOwner("delete from throttles"); // of many dead keys in a row the later ones wait
        await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      }
      const types = await typesIn(account);
      expect(types.filter((type) => type === "credential_revoked.v1")).toHaveLength(secrets.length);
      expect(types.at(-1)).toBe("member_removed.v1");
      created += secrets.length - 1;
    }
    // Some of them did get in first, or the rounds would prove nothing.
    expect(created).toBeGreaterThan(0);
  });
});
