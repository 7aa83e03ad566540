import type { Context } from "../../context/context";
import type { Membership } from "../../entities/Membership";
import { endMembership } from "../steps/endMembership";
import { lockOwnMembership } from "../steps/lockOwnMembership";

/**
 * Ends the caller's own membership, with the same effect as being removed (M6).
 *
 * @throws Refused (LAST_ADMINISTRATOR) for the last active administrator.
 */
export async function leaveAccount(ctx: Context, accountId: string): Promise<Membership> {
  const access = await ctx.changing(accountId);
  return access.transaction(async (tx) => {
    const member = await lockOwnMembership(tx, "leave");
    await endMembership(tx, member);
    await tx.record("member_left.v1", member);
    return member;
  });
}
