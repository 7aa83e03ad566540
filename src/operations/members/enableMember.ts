import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";

/**
 * Gives a disabled member their access back, also by their credentials.
 *
 * @throws Forbidden (REAUTHENTICATION_REQUIRED) for an administrator, without a fresh proof in a session.
 */
export async function enableMember(ctx: Context, memberId: string): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transactionOn(Membership, memberId, async (tx, member) => {
    tx.authorize("enable", member);
    if (!member.disabledAt) return member;
    // As for making one: the administrator could do at once what this session needs a proof for.
    if (member.administrator) tx.requireFresh(member);

    member.disabledAt = null;
    await tx.save(member);
    await tx.record("member_enabled.v1", member);
    return member;
  });
}
