import type { Account } from "../../../src/entities/Account";
import type { Membership } from "../../../src/entities/Membership";
import type { Roles } from "../../../src/entities/roles";
import { enableMember } from "../../../src/operations/members/enableMember";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  asStaleUser,
  aUser,
  DEVELOPER,
  eventsOf,
  MANAGER,
  withToken,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import { expectDenied, expectNotFound, NOBODY_WHO_MANAGES, UNKNOWN } from "../../support/refusals";

beforeAll(useDatabase);

const SINCE = new Date("2026-01-02T03:04:05.678Z");

function aDisabledMember(account: Account, roles: Partial<Roles> = {}): Promise<Membership> {
  return aMember(account, roles, { disabledAt: SINCE });
}

async function disabledAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ disabled_at: Date | null }>(
    "select disabled_at from memberships where id = $1",
    [id],
  );
  return row!.disabled_at;
}

describe("enableMember", () => {
  it("U11: takes a fresh proof for an administrator, whose keys work again, and no other member", async () => {
    const account = await anAccount();
    const user = await aUser();
    await aMember(account, ADMINISTRATOR, { userId: user.id });
    const other = await aDisabledMember(account, ADMINISTRATOR);
    const stale = await asStaleUser(user);
    await expectDenied(account, () => enableMember(stale, other.id), {
      action: "enable Member",
      code: "REAUTHENTICATION_REQUIRED",
    });
    expect(await disabledAt(other)).toEqual(SINCE);

    const ordinary = await aDisabledMember(account);
    await enableMember(stale, ordinary.id);
    expect(await disabledAt(ordinary)).toBeNull();
  });

  it("M4, E1, E2: gives the member their access back and records it", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aDisabledMember(account, DEVELOPER);

    await enableMember(await as(admin), member.id);

    expect(await disabledAt(member)).toBeNull();
    expect(await eventsOf(account)).toMatchObject([
      {
        type: "member_enabled.v1",
        principal_id: admin.userId,
        object_id: member.id,
        object: { id: member.id, disabledAt: null },
        changes: { disabledAt: [SINCE.toISOString(), null] },
        decision: {
          action: "enable",
          allowed: true,
          rule: "Administrators manage every member.",
          roles: ["administrator"],
        },
      },
    ]);
  });

  it("M4: restores sessions and keys as they were", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const session = await as(member);
    const { secret } = await aCredential(member);
    await sqlAsOwner("update memberships set disabled_at = now() where id = $1", [member.id]);
    await expect(withToken(secret)).rejects.toMatchObject({ code: "MEMBER_DISABLED" });

    await enableMember(await as(await aMember(account, ADMINISTRATOR)), member.id);

    await expect((await withToken(secret)).in(account.id)).resolves.toBeDefined();
    await expect(session.in(account.id)).resolves.toBeDefined();
  });

  it("M3: is for team managers too", async () => {
    const account = await anAccount();
    const manager = await aMember(account, MANAGER);
    const member = await aDisabledMember(account);

    await enableMember(await as(manager), member.id);

    expect(await disabledAt(member)).toBeNull();
    expect(await eventsOf(account)).toMatchObject([{ decision: { roles: ["team MANAGER"] } }]);
  });

  it("does nothing to a member who has access", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);

    await enableMember(await as(admin), (await aMember(account)).id);

    expect(await eventsOf(account)).toEqual([]);
  });

  it("M3: leaves an administrator alone when a team manager asks", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const admin = await aDisabledMember(account, ADMINISTRATOR);

    await expectDenied(account, () => enableMember(ctx, admin.id), {
      action: "enable Member",
      code: "ADMINISTRATOR_REQUIRED",
    });
  });

  it.each(NOBODY_WHO_MANAGES)("M3: refuses %s", async (_who, roles) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, roles));
    const member = await aDisabledMember(account);

    await expectDenied(account, () => enableMember(ctx, member.id), {
      action: "enable Member",
      code: "FORBIDDEN",
      decision: { allowedBy: ["administrator", "team MANAGER"] },
    });
  });

  it("S1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));
    const member = await aDisabledMember(account);

    await expectDenied(account, () => enableMember(ctx, member.id), {
      action: "enable Member",
      code: "FORBIDDEN",
    });
  });

  it("M4: keeps a disabled administrator from enabling themselves", async () => {
    const account = await anAccount();
    await aMember(account, ADMINISTRATOR);
    const admin = await aDisabledMember(account, ADMINISTRATOR);
    const ctx = await as(admin);

    await expectDenied(account, () => enableMember(ctx, admin.id), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
  });

  it("M2, M5, Y3: does not find a member of another account, of nobody, or removed", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const stranger = await aDisabledMember(await anAccount());
    const removed = await aMember(account, {}, { disabledAt: SINCE, removedAt: SINCE });

    await expectNotFound(() => enableMember(ctx, stranger.id));
    await expectNotFound(() => enableMember(ctx, UNKNOWN.Membership));
    await expectNotFound(() => enableMember(ctx, removed.id));
  });

  it("records one event when many enable the same member at once", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aDisabledMember(account);
    const callers = await Promise.all(times(5, () => as(admin)));

    const { done } = await atOnce(callers.map((ctx) => () => enableMember(ctx, member.id)));

    expect(done).toBe(5);
    expect(await eventsOf(account)).toMatchObject([{ type: "member_enabled.v1" }]);
  });

  it.each([
    ["the caller is demoted", "administrator = false", "caller", "FORBIDDEN"],
    ["the caller is disabled", "disabled_at = now()", "caller", "MEMBER_DISABLED"],
    ["the caller is removed", "removed_at = now()", "caller", "NOT_FOUND"],
    ["the member is removed", "removed_at = now()", "member", "NOT_FOUND"],
  ])("is refused when %s while it waits", async (_what, change, whose, code) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aDisabledMember(account);
    const ctx = await as(admin);
    const { id } = whose === "caller" ? admin : member;

    const outcome = await whileWaiting(
      account,
      () => enableMember(ctx, member.id),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await disabledAt(member)).toEqual(SINCE);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("M3: is refused to a team manager when the member becomes an administrator meanwhile", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, MANAGER));
    const member = await aDisabledMember(account);

    const outcome = await whileWaiting(
      account,
      () => enableMember(ctx, member.id),
      () => sqlAsOwner("update memberships set administrator = true where id = $1", [member.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "ADMINISTRATOR_REQUIRED" } });
    expect(await disabledAt(member)).toEqual(SINCE);
    expect(await eventsOf(account)).toEqual([]);
  });
});
