import {
  BillingRole,
  DeveloperRole,
  LOWEST,
  type Roles,
  TeamRole,
} from "../../../src/entities/roles";
import { updateMemberRoles } from "../../../src/operations/members/updateMemberRoles";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  DEVELOPER,
  eventsOf,
  INVITER,
  MANAGER,
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

const { READ_WRITE } = DeveloperRole;
const { ACCESS } = BillingRole;

async function rolesHeld({ id }: { id: string }): Promise<Roles> {
  const [row] = await sqlAsOwner<Roles>(
    "select administrator, developer, team, billing from memberships where id = $1",
    [id],
  );
  return row!;
}

describe("updateMemberRoles", () => {
  it("M3, E1, E2: changes the roles that are given, leaves the rest, and records what changed", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, { ...LOWEST, team: TeamRole.INVITE_ONLY });

    await updateMemberRoles(await as(admin), member.id, {
      developer: READ_WRITE,
      billing: ACCESS,
      administrator: undefined,
    });

    expect(await rolesHeld(member)).toEqual({
      administrator: false,
      developer: "READ_WRITE",
      team: "INVITE_ONLY",
      billing: "ACCESS",
    });
    const [event, ...more] = await eventsOf(account);
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: "member_roles_updated.v1",
      principal_id: admin.userId,
      object_id: member.id,
      object: { developer: "READ_WRITE", team: "INVITE_ONLY", billing: "ACCESS" },
      decision: {
        action: "updateRoles",
        allowed: true,
        rule: "Administrators manage every member.",
        roles: ["administrator"],
      },
    });
    expect(event!["changes"]).toEqual({
      developer: ["READ_ONLY", "READ_WRITE"],
      billing: ["NONE", "ACCESS"],
    });
  });

  it("M2: leaves the same user's roles in another account alone", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account);
    const elsewhere = await aMember(other, DEVELOPER, { userId: member.userId });

    await updateMemberRoles(await as(await aMember(account, ADMINISTRATOR)), member.id, {
      administrator: true,
    });

    expect(await rolesHeld(member)).toEqual(ADMINISTRATOR);
    expect(await rolesHeld(elsewhere)).toEqual(DEVELOPER);
    expect(await eventsOf(other)).toEqual([]);
  });

  it.each([
    ["what is there already", { developer: READ_WRITE, administrator: false }],
    ["nothing", {}],
  ])("does nothing when given %s", async (_what, roles) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);

    await updateMemberRoles(await as(admin), member.id, roles);

    expect(await rolesHeld(member)).toEqual(DEVELOPER);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M3: lets a team manager grant what they have, and take what they have not", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const member = await aMember(account, DEVELOPER);

    await updateMemberRoles(ctx, member.id, { team: TeamRole.MANAGER });
    await updateMemberRoles(ctx, member.id, { developer: DeveloperRole.READ_ONLY });

    expect(await rolesHeld(member)).toEqual(MANAGER);
    expect(await eventsOf(account)).toHaveLength(2);
  });

  it("M3: lets a team manager leave above their own what was above it before", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const member = await aMember(account, DEVELOPER);

    await updateMemberRoles(ctx, member.id, { team: TeamRole.INVITE_ONLY, developer: READ_WRITE });

    expect(await rolesHeld(member)).toEqual({ ...DEVELOPER, team: "INVITE_ONLY" });
  });

  it.each<[string, Partial<Roles>]>([
    ["developer", { developer: READ_WRITE }],
    ["billing", { billing: ACCESS }],
    ["billing", { team: TeamRole.INVITE_ONLY, billing: ACCESS }],
  ])("M3: keeps a team manager from granting %s above their own", async (field, roles) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const member = await aMember(account);

    await expectRefused(() => updateMemberRoles(ctx, member.id, roles), {
      code: "ROLE_ABOVE_OWN",
      field: [field],
    });
  });

  it("M3: keeps a team manager from raising themselves", async () => {
    const account = await anAccount();
    const manager = await aMember(account, MANAGER);
    const ctx = await as(manager);

    await expectRefused(() => updateMemberRoles(ctx, manager.id, { billing: ACCESS }), {
      code: "ROLE_ABOVE_OWN",
    });
    await expectDenied(account, () => updateMemberRoles(ctx, manager.id, { administrator: true }), {
      action: "updateRoles Member",
      code: "ADMINISTRATOR_REQUIRED",
    });
  });

  it("M3: keeps a team manager from making an administrator", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const member = await aMember(account);

    await expectDenied(account, () => updateMemberRoles(ctx, member.id, { administrator: true }), {
      action: "updateRoles Member",
      code: "ADMINISTRATOR_REQUIRED",
      decision: { allowedBy: ["administrator"] },
    });
  });

  it.each<[string, Partial<Roles>]>([
    ["demoting", { administrator: false }],
    ["changing", { team: TeamRole.INVITE_ONLY }],
    ["leaving as is", {}],
  ])("M3: keeps a team manager from %s an administrator", async (_what, roles) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    await aMember(account, ADMINISTRATOR);
    const admin = await aMember(account, ADMINISTRATOR);

    await expectDenied(account, () => updateMemberRoles(ctx, admin.id, roles), {
      action: "updateRoles Member",
      code: "ADMINISTRATOR_REQUIRED",
    });
  });

  it("M3: lets an administrator grant what they do not have", async () => {
    const account = await anAccount();
    const member = await aMember(account);
    const all = {
      administrator: true,
      developer: READ_WRITE,
      team: TeamRole.MANAGER,
      billing: ACCESS,
    };

    await updateMemberRoles(await as(await aMember(account, ADMINISTRATOR)), member.id, all);

    expect(await rolesHeld(member)).toEqual(all);
  });

  it.each(NOBODY_WHO_MANAGES)("M3: refuses %s, even to lower themselves", async (_who, roles) => {
    const account = await anAccount();
    const caller = await aMember(account, roles);
    const member = await aMember(account, INVITER);
    const ctx = await as(caller);
    const denial = {
      action: "updateRoles Member",
      code: "FORBIDDEN",
      decision: { allowedBy: ["administrator", "team MANAGER"] },
    };

    await expectDenied(account, () => updateMemberRoles(ctx, member.id, LOWEST), denial);
    // E1: the second denial of a kind within a minute is counted, and writes no event.
    await expectRefused(() => updateMemberRoles(ctx, caller.id, LOWEST), { code: "FORBIDDEN" });
  });

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const member = await aMember(account);
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => updateMemberRoles(ctx, member.id, DEVELOPER), {
      action: "updateRoles Member",
      code: "FORBIDDEN",
    });
  });

  it.each(["administrator", "developer", "team", "billing"] as const)(
    "refuses to clear %s",
    async (role) => {
      const account = await anAccount();
      const ctx = await as(await aMember(account, ADMINISTRATOR));
      const member = await aMember(account, DEVELOPER);

      await expectRefused(
        () => updateMemberRoles(ctx, member.id, { team: TeamRole.MANAGER, [role]: null }),
        { code: "BAD_USER_INPUT", field: [role] },
      );
    },
  );

  it("M7: keeps the last administrator from stepping down", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });
    const ctx = await as(admin);

    await expectRefused(
      () => updateMemberRoles(ctx, admin.id, { administrator: false, team: TeamRole.MANAGER }),
      { code: "LAST_ADMINISTRATOR" },
    );
  });

  it("M7: lets the last administrator change their other roles, and a disabled one be demoted", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const disabled = await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });

    await updateMemberRoles(await as(admin), admin.id, { developer: READ_WRITE });
    await updateMemberRoles(await as(admin), disabled.id, { administrator: false });

    expect(await rolesHeld(admin)).toEqual({ ...ADMINISTRATOR, developer: "READ_WRITE" });
    expect(await rolesHeld(disabled)).toEqual(LOWEST);
  });

  it("M2, Y3: does not find a member of another account, of nobody, or removed", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const stranger = await aMember(await anAccount());
    const removed = await aMember(account, {}, { removedAt: new Date() });

    for (const id of [stranger.id, UNKNOWN.Membership, removed.id]) {
      await expectNotFound(() => updateMemberRoles(ctx, id, DEVELOPER));
    }
  });

  it("M7: leaves one administrator standing when two demote each other at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const ann = await aMember(account, ADMINISTRATOR);
      const ben = await aMember(account, ADMINISTRATOR);
      const [asAnn, asBen] = [await as(ann), await as(ben)];

      const outcome = await atOnce([
        () => updateMemberRoles(asAnn, ben.id, { administrator: false }),
        () => updateMemberRoles(asBen, ann.id, { administrator: false }),
      ]);

      expect(outcome).toEqual({ done: 1, codes: ["ADMINISTRATOR_REQUIRED"] });
      const left = [await rolesHeld(ann), await rolesHeld(ben)];
      expect(left.filter(({ administrator }) => administrator)).toHaveLength(1);
      expect(await eventsOf(account)).toHaveLength(1);
    }
  });

  it("records one event when many make the same change at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const callers = await Promise.all(times(5, () => as(admin)));

    const { done } = await atOnce(
      callers.map((ctx) => () => updateMemberRoles(ctx, member.id, DEVELOPER)),
    );

    expect(done).toBe(5);
    expect(await eventsOf(account)).toHaveLength(1);
  });

  it("keeps both of two changes to different roles made at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const [one, two] = [await as(admin), await as(admin)];

    await atOnce([
      () => updateMemberRoles(one, member.id, { billing: ACCESS }),
      () => updateMemberRoles(two, member.id, { developer: READ_WRITE }),
    ]);

    expect(await rolesHeld(member)).toEqual({ ...DEVELOPER, billing: "ACCESS" });
  });

  it.each([
    ["demoted", "administrator = false", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("refuses a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const ctx = await as(admin);

    const outcome = await whileWaiting(
      account,
      () => updateMemberRoles(ctx, member.id, DEVELOPER),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await rolesHeld(member)).toEqual(LOWEST);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M3: measures a grant by the roles the caller has left after waiting", async () => {
    const account = await anAccount();
    const manager = await aMember(account, { ...MANAGER, billing: ACCESS });
    const member = await aMember(account);
    const ctx = await as(manager);

    const outcome = await whileWaiting(
      account,
      () => updateMemberRoles(ctx, member.id, { billing: ACCESS }),
      () => sqlAsOwner("update memberships set billing = 'NONE' where id = $1", [manager.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "ROLE_ABOVE_OWN" } });
    expect(await rolesHeld(member)).toEqual(LOWEST);
    expect(await eventsOf(account)).toEqual([]);
  });
});
