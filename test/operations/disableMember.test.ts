import { disableMember } from "../../src/operations/members/disableMember";
import { sqlAsOwner, useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  DEVELOPER,
  eventsOf,
  MANAGER,
  refusalsIn,
} from "../support/factories";

beforeAll(useDatabase);

async function disabledAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ disabled_at: Date | null }>(
    "select disabled_at from memberships where id = $1",
    [id],
  );
  return row!.disabled_at;
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

  it("M3: leaves an administrator alone when a team manager asks", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const manager = await aMember(account, MANAGER);

    await expect(disableMember(await as(manager), admin.id)).rejects.toMatchObject({
      code: "ADMINISTRATOR_REQUIRED",
      decision: { action: "disable", allowedBy: ["administrator"] },
    });

    expect(await disabledAt(admin)).toBeNull();
    expect(await eventsOf(account)).toEqual([]);
    expect(await refusalsIn(account)).toMatchObject([
      { decision: { code: "ADMINISTRATOR_REQUIRED", action: "disable Member", count: 1 } },
    ]);
  });

  it("M7: leaves one administrator standing when two disable each other at once", async () => {
    for (let round = 1; round <= 10; round++) {
      const account = await anAccount();
      const [ann, ben] = [
        await aMember(account, ADMINISTRATOR),
        await aMember(account, ADMINISTRATOR),
      ];
      const [asAnn, asBen] = [await as(ann), await as(ben)];

      const outcomes = await Promise.allSettled([
        disableMember(asAnn, ben.id),
        disableMember(asBen, ann.id),
      ]);

      // Who comes second is refused: as the last administrator, or as disabled meanwhile.
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const left = [await disabledAt(ann), await disabledAt(ben)].filter((at) => at === null);
      expect(left).toHaveLength(1);
      expect(await eventsOf(account)).toHaveLength(1);
    }
  });
});
