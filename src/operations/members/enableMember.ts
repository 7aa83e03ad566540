import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";

/**
 * Gives a disabled member their access back, credentials included.
 *
 * @throws Forbidden (REAUTHENTICATION_REQUIRED) for an administrator, in a session that was not proven
 *   of late.
 */
export async function enableMember(ctx: Context, memberId: string): Promise<Membership> {
  const access = await ctx.changingOf(Membership, memberId);
  return access.transaction(async (tx) => {
    const member = await tx.lock(Membership, memberId);
    tx.authorize("enable", member);
    if (!member.disabledAt) return member;
    // As for making one: they could do at once what this session needs the proof for.
    if (member.administrator) tx.requireFresh(member);

    member.disabledAt = null;
    await tx.save(member);
    await tx.record("member_enabled.v1", member);
    return member;
  });
}
