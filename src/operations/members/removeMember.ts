import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { endMembership } from "../steps/endMembership";

/**
 * Removes a member from the account and revokes their credentials there. The user and their other
 * accounts stay (M5).
 *
 * @throws Forbidden (ADMINISTRATOR_REQUIRED) when the member is an administrator and the caller
 *   is not.
 * @throws Refused (LAST_ADMINISTRATOR) for the last active administrator.
 */
export async function removeMember(ctx: Context, memberId: string): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transactionOn(Membership, memberId, async (tx, member) => {
    tx.authorize("remove", member);
    await endMembership(tx, member);
    await tx.record("member_removed.v1", member);
    return member;
  });
}
