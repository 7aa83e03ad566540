import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { keepAnAdministrator } from "../steps/keepAnAdministrator";

/**
 * Takes a member's access to the account away, also by their credentials, until they are enabled again
 * (M4). To disable a disabled member does nothing.
 *
 * @throws Forbidden (ADMINISTRATOR_REQUIRED) when the member is an administrator and the caller
 *   is not.
 * @throws Refused (LAST_ADMINISTRATOR) for the last active administrator.
 */
export async function disableMember(ctx: Context, memberId: string): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transactionOn(Membership, memberId, async (tx, member) => {
    tx.authorize("disable", member);
    if (member.disabledAt) return member;
    await keepAnAdministrator(tx, member);

    member.disabledAt = tx.now;
    await tx.save(member);
    await tx.record("member_disabled.v1", member);
    return member;
  });
}
