import type { Membership } from "../../../src/entities/Membership";
import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { leaveAccount } from "../../../src/operations/members/leaveAccount";
import { updateMemberRoles } from "../../../src/operations/members/updateMemberRoles";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  asNobody,
  aServiceUser,
  DEVELOPER,
  eventsOf,
  INVITER,
  MANAGER,
  READER,
  withToken,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import { expectDenied, expectNotFound, expectRefused, UNKNOWN } from "../../support/refusals";

beforeAll(useDatabase);

async function removedAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ removed_at: Date | null }>(
    "select removed_at from memberships where id = $1",
    [id],
  );
  return row!.removed_at;
}

async function liveCredentials({ id }: Membership): Promise<number> {
  const rows = await sqlAsOwner(
    "select from credentials where membership_id = $1 and revoked_at is null",
    [id],
  );
  return rows.length;
}

describe("leaveAccount", () => {
  it("M6, E1, E2: ends the caller's membership, revokes its credentials, and records each", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential, secret } = await aCredential(member);

    await leaveAccount(await as(member), account.id);

    const at = (await removedAt(member))!.toISOString();
    const decision = { allowed: true, rule: "Members may leave.", roles: ["developer READ_WRITE"] };
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "credential_revoked.v1",
        object_id: credential.id,
        changes: { revokedAt: [null, at] },
        decision: { action: "revoke", ...decision },
      },
      {
        type: "member_left.v1",
        principal_id: member.userId,
        object_id: member.id,
        object: { removedAt: at },
        changes: { removedAt: [null, at] },
        decision: { action: "leave", ...decision },
      },
    ]);
    await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.each([
    ["a team manager", MANAGER],
    ["a team inviter", INVITER],
    ["a reader", READER],
  ])("M6: is for %s too", async (_who, roles) => {
    const account = await anAccount();
    const member = await aMember(account, roles);

    await leaveAccount(await as(member), account.id);

    expect(await removedAt(member)).not.toBeNull();
  });

  it("M6: leaves the user's other accounts alone", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account, DEVELOPER);
    const elsewhere = await aMember(other, DEVELOPER, { userId: member.userId });
    const { secret } = await aCredential(elsewhere);

    await leaveAccount(await as(member), account.id);

    expect(await removedAt(elsewhere)).toBeNull();
    await expect(withToken(secret)).resolves.toBeDefined();
    expect(await eventsOf(other)).toEqual([]);
  });

  it("M7: keeps the last administrator, and their credentials", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(account, MANAGER);
    await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });
    await aCredential(admin);
    const ctx = await as(admin);

    await expectRefused(() => leaveAccount(ctx, account.id), { code: "LAST_ADMINISTRATOR" });
  });

  it("S1: refuses a service user, which is no member", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => leaveAccount(ctx, account.id), {
      action: "leave Member",
      code: "FORBIDDEN",
    });
  });

  it("M4: refuses a disabled member", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER, { disabledAt: new Date() }));

    await expectDenied(account, () => leaveAccount(ctx, account.id), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
  });

  it("refuses who is not signed in", async () => {
    const account = await anAccount();

    await expectRefused(() => leaveAccount(asNobody(), account.id), { code: "UNAUTHENTICATED" });
  });

  it("M2, Y3: does not find an account of others, of nobody, deleted, or left already", async () => {
    const member = await aMember(await anAccount(), DEVELOPER);
    const ctx = await as(member);
    const others = await anAccount();
    await aMember(others, ADMINISTRATOR);
    const deleted = await anAccount({ deletedAt: new Date() });
    await aMember(deleted, DEVELOPER, { userId: member.userId });
    const left = await anAccount();
    await aMember(left, DEVELOPER, { userId: member.userId, removedAt: new Date() });

    for (const id of [others.id, UNKNOWN.Account, deleted.id, left.id]) {
      await expectNotFound(() => leaveAccount(ctx, id));
    }
  });

  it("C7: by a key, leaves the key's account and cannot leave another", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account, DEVELOPER);
    const elsewhere = await aMember(other, DEVELOPER, { userId: member.userId });
    const { secret } = await aCredential(member);
    const ctx = await withToken(secret);

    await expectNotFound(() => leaveAccount(ctx, other.id));
    await leaveAccount(ctx, account.id);

    expect(await removedAt(elsewhere)).toBeNull();
    expect(await removedAt(member)).not.toBeNull();
    await expectNotFound(() => leaveAccount(ctx, account.id));
  });

  it("records one event when the same member leaves many times at once", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const callers = await Promise.all(times(4, () => as(member)));

    const outcome = await atOnce(callers.map((ctx) => () => leaveAccount(ctx, account.id)));

    expect(outcome).toEqual({ done: 1, codes: times(3, () => "NOT_FOUND") });
    expect(await eventsOf(account)).toMatchObject([{ type: "member_left.v1" }]);
  });

  it("M7: keeps one of two administrators who leave at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const pair = await Promise.all(times(2, () => aMember(account, ADMINISTRATOR)));
      const callers = await Promise.all(pair.map(as));

      const outcome = await atOnce(callers.map((ctx) => () => leaveAccount(ctx, account.id)));

      expect(outcome).toEqual({ done: 1, codes: ["LAST_ADMINISTRATOR"] });
      expect(await eventsOf(account)).toHaveLength(1);
    }
  });

  it("M7: keeps the one when the other steps down at the same instant", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const pair = await Promise.all(times(2, () => aMember(account, ADMINISTRATOR)));
      const [ann, ben] = await Promise.all(pair.map(as));

      const outcome = await atOnce([
        () => leaveAccount(ann!, account.id),
        () => updateMemberRoles(ben!, pair[1]!.id, { administrator: false }),
      ]);

      expect(outcome).toEqual({ done: 1, codes: ["LAST_ADMINISTRATOR"] });
      expect(await eventsOf(account)).toHaveLength(1);
    }
  });

  it("M7: is refused to an administrator who becomes the last while waiting", async () => {
    const account = await anAccount();
    const [ann, ben] = [
      await aMember(account, ADMINISTRATOR),
      await aMember(account, ADMINISTRATOR),
    ];
    const ctx = await as(ann);

    const outcome = await whileWaiting(
      account,
      () => leaveAccount(ctx, account.id),
      () => sqlAsOwner("update memberships set disabled_at = now() where id = $1", [ben.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "LAST_ADMINISTRATOR" } });
    expect(await removedAt(ann)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M6: leaves no credential unrevoked that is made at the same instant", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const admin = await aMember(account, ADMINISTRATOR);
      const member = await aMember(account, DEVELOPER);
      const [asMember, alsoMember, asAdmin] = [await as(member), await as(member), await as(admin)];

      await atOnce([
        () => createApiKey(alsoMember, account.id, {}),
        () => leaveAccount(asMember, account.id),
        () => createApiKey(asAdmin, account.id, { ownerId: member.id }),
      ]);

      expect(await removedAt(member)).not.toBeNull();
      expect(await liveCredentials(member)).toBe(0);
    }
  });
});
