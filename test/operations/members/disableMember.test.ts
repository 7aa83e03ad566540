import { disableMember } from "../../../src/operations/members/disableMember";
import { leaveAccount } from "../../../src/operations/members/leaveAccount";
import { removeMember } from "../../../src/operations/members/removeMember";
import { updateMemberRoles } from "../../../src/operations/members/updateMemberRoles";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  asNobody,
  aServiceUser,
  DEVELOPER,
  eventsOf,
  MANAGER,
  refusalsIn,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import {
  eventually,
  expectDenied,
  expectNotFound,
  expectRefused,
  NOBODY_WHO_MANAGES,
  UNKNOWN,
} from "../../support/refusals";

beforeAll(useDatabase);

async function disabledAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ disabled_at: Date | null }>(
    "select disabled_at from memberships where id = $1",
    [id],
  );
  return row!.disabled_at;
}

async function activeAdministrators({ id }: { id: string }): Promise<number> {
  const [row] = await sqlAsOwner<{ count: number }>(
    `select count(*)::int as count from memberships where account_id = $1
      and administrator and disabled_at is null and removed_at is null`,
    [id],
  );
  return row!.count;
}

describe("disableMember", () => {
  it("M4, E1, E2: switches the member off and records who did it, why it was allowed and what changed", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);

    await disableMember(await as(admin), member.id);

    const at = await disabledAt(member);
    expect(at).not.toBeNull();
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "member_disabled.v1",
        principal_kind: "USER",
        principal_id: admin.userId,
        surface: "DASHBOARD",
        object_id: member.id,
        object: { id: member.id, disabledAt: at!.toISOString() },
        changes: { disabledAt: [null, at!.toISOString()] },
        decision: {
          action: "disable",
          allowed: true,
          rule: "Administrators manage every member.",
          roles: ["administrator"],
          methods: ["PASSWORD"],
        },
        ip: "192.0.2.7",
        user_agent: "jest",
        request_id: "req_test",
      },
    ]);
  });

  it("M3: is for team managers too", async () => {
    const account = await anAccount();
    const manager = await aMember(account, MANAGER);
    const member = await aMember(account, DEVELOPER);

    await disableMember(await as(manager), member.id);

    expect(await disabledAt(member)).not.toBeNull();
    expect(await eventsOf(account)).toMatchObject([
      {
        decision: {
          rule: "Team managers manage members who are not administrators.",
          roles: ["team MANAGER"],
        },
      },
    ]);
  });

  it("does nothing to a member who is disabled", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const since = new Date("2026-01-02T03:04:05.678Z");
    const member = await aMember(account, DEVELOPER, { disabledAt: since });

    await disableMember(await as(admin), member.id);

    expect(await disabledAt(member)).toEqual(since);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M3: leaves an administrator alone when a team manager asks", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const manager = await aMember(account, MANAGER);
    const ctx = await as(manager);

    await expectDenied(account, () => disableMember(ctx, admin.id), {
      action: "disable Member",
      code: "ADMINISTRATOR_REQUIRED",
      decision: { action: "disable", allowedBy: ["administrator"] },
    });
  });

  it.each(NOBODY_WHO_MANAGES)("M3: refuses %s", async (_who, roles) => {
    const account = await anAccount();
    const member = await aMember(account);
    const ctx = await as(await aMember(account, roles));

    await expectDenied(account, () => disableMember(ctx, member.id), {
      action: "disable Member",
      code: "FORBIDDEN",
      decision: { action: "disable", allowedBy: ["administrator", "team MANAGER"] },
    });
  });

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const member = await aMember(account);
    const ctx = await as(await aServiceUser(account));

    await expectDenied(account, () => disableMember(ctx, member.id), {
      action: "disable Member",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    const member = await aMember(await anAccount());

    await expectRefused(() => disableMember(asNobody(), member.id), { code: "UNAUTHENTICATED" });
  });

  it("M2, Y3: does not find a member of another account, of nobody, or removed", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const stranger = await aMember(await anAccount());
    const removed = await aMember(account, {}, { removedAt: new Date() });

    await expectNotFound(() => disableMember(ctx, stranger.id));
    await expectNotFound(() => disableMember(ctx, UNKNOWN.Membership));
    await expectNotFound(() => disableMember(ctx, removed.id));
  });

  it("M7: keeps the last administrator, whoever else there is", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    await aMember(account, MANAGER);
    await aMember(account, ADMINISTRATOR, { disabledAt: new Date() });
    await aMember(account, ADMINISTRATOR, { removedAt: new Date() });
    await aMember(await anAccount(), ADMINISTRATOR);
    const ctx = await as(admin);

    await expectRefused(() => disableMember(ctx, admin.id), { code: "LAST_ADMINISTRATOR" });
  });

  it("M7: leaves one administrator standing when two disable each other at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const [ann, ben] = [
        await aMember(account, ADMINISTRATOR),
        await aMember(account, ADMINISTRATOR),
      ];
      const [asAnn, asBen] = [await as(ann), await as(ben)];

      const { done, codes } = await atOnce([
        () => disableMember(asAnn, ben.id),
        () => disableMember(asBen, ann.id),
      ]);

      // Who comes second is refused, as disabled meanwhile.
      expect({ done, codes }).toEqual({ done: 1, codes: ["MEMBER_DISABLED"] });
      expect(await activeAdministrators(account)).toBe(1);
      expect(await eventsOf(account)).toHaveLength(1);
      await eventually(async () => (await refusalsIn(account)).length > 0);
      expect(await refusalsIn(account)).toHaveLength(1);
    }
  });

  it("M7: leaves an administrator standing when three demote, disable, remove and leave at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const [ann, ben, cai] = [
        await aMember(account, ADMINISTRATOR),
        await aMember(account, ADMINISTRATOR),
        await aMember(account, ADMINISTRATOR),
      ];
      const callers = await Promise.all([ann, ben, cai, ann, ben, cai].map(as));
      const acts = [
        () => disableMember(callers[0]!, ben.id),
        () => updateMemberRoles(callers[1]!, cai.id, { administrator: false }),
        () => removeMember(callers[2]!, ann.id),
        () => leaveAccount(callers[3]!, account.id),
        () => disableMember(callers[4]!, ben.id),
        () => updateMemberRoles(callers[5]!, cai.id, { administrator: false }),
      ];

      // Another one goes first each time.
      const { done, codes } = await atOnce(times(6, (i) => acts[(i + round) % 6]!));

      expect(await activeAdministrators(account)).toBeGreaterThanOrEqual(1);
      expect(done).toBeGreaterThanOrEqual(1);
      const expected = [
        "ADMINISTRATOR_REQUIRED",
        "FORBIDDEN",
        "LAST_ADMINISTRATOR",
        "MEMBER_DISABLED",
        "NOT_FOUND",
      ];
      expect(codes.filter((code) => !expected.includes(code))).toEqual([]);
      expect((await eventsOf(account)).length).toBeLessThanOrEqual(done);
    }
  });

  it("records one event when many disable the same member at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const callers = await Promise.all(times(5, () => as(admin)));

    const { done } = await atOnce(callers.map((ctx) => () => disableMember(ctx, member.id)));

    expect(done).toBe(5);
    expect(await eventsOf(account)).toMatchObject([{ type: "member_disabled.v1" }]);
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
      () => disableMember(ctx, member.id),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [admin.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await disabledAt(member)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
    expect(await refusalsIn(account)).toMatchObject(
      code === "NOT_FOUND" ? [] : [{ decision: { code } }],
    );
  });
});
