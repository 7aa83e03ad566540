import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { endMembership } from "../steps/endMembership";

/**
 * Takes a member out of the account and revokes their credentials there. The user stays, with
 * every other account (M5).
 *
 * @throws Forbidden (ADMINISTRATOR_REQUIRED) when the member is an administrator and the caller
 *   is not.
 * @throws Refused (LAST_ADMINISTRATOR) when nobody would be left to run the account.
 */
export async function removeMember(ctx: Context, memberId: string): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transaction(async (tx) => {
    const member = await tx.lock(Membership, memberId);
    tx.authorize("remove", member);
    await endMembership(tx, member);
    await tx.record("member_removed.v1", member);
    return member;
  });
}
