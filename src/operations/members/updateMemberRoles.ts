import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { roleName, ROLES, type Roles, rolesAbove, rolesOf } from "../../entities/roles";
import { Refusal, Refused } from "../../errors";
import { keepAnAdministrator } from "../steps/keepAnAdministrator";

/**
 * Changes the roles that are given. The other roles stay as they are.
 *
 * @throws Forbidden (ADMINISTRATOR_REQUIRED) when the member is an administrator, or would become
 *   one, and the caller is not; (REAUTHENTICATION_REQUIRED) for making an administrator without a fresh
 *   proof in a session.
 * @throws Refused (ROLE_ABOVE_OWN) for granting a role above the caller's own;
 *   (LAST_ADMINISTRATOR) for demoting the last active administrator.
 */
export async function updateMemberRoles(
  ctx: Context,
  memberId: string,
  roles: { [R in keyof Roles]?: Roles[R] | null | undefined },
): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transactionOn(Membership, memberId, async (tx, member) => {
    tx.authorize("updateRoles", member);
    const cleared = ROLES.find((role) => roles[role] === null);
    if (cleared) {
      throw new Refused(
        Refusal.BAD_USER_INPUT,
        "A role can be changed but not cleared: it takes no `null`.",
        [cleared],
      );
    }
    const given = Object.fromEntries(Object.entries(roles).filter(([, is]) => is !== undefined));
    const wanted: Roles = { ...rolesOf(member), ...given };
    const raised = rolesAbove(wanted, member);
    const lowered = rolesAbove(member, wanted);
    if (!raised.length && !lowered.length) return member;

    const own = tx.standing!.roles;
    // An administrator may grant every role. The policy refuses to let others make an administrator.
    const above = own.administrator
      ? undefined
      : rolesAbove(wanted, own).find((role) => role !== "administrator" && raised.includes(role));
    if (above) {
      throw new Refused(
        Refusal.ROLE_ABOVE_OWN,
        `You can't grant ${roleName(above, wanted[above])}: it is above your own roles.`,
        [above],
      );
    }
    // The new administrator could do at once what this session needs a proof for.
    if (raised.includes("administrator")) tx.requireFresh(member);
    if (lowered.includes("administrator")) await keepAnAdministrator(tx, member);

    Object.assign(member, wanted);
    await tx.save(member);
    await tx.record("member_roles_updated.v1", member);
    return member;
  });
}
