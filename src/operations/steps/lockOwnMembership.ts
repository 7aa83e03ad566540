import type { Transaction } from "../../context/transaction";
import { Membership } from "../../entities/Membership";

/** Locks the caller's own membership, for what only a member can do. */
export async function lockOwnMembership(tx: Transaction, action: "leave"): Promise<Membership> {
  const { membershipId, accountId } = tx.standing!;
  const member = membershipId
    ? await tx.lock(Membership, membershipId)
    : Object.assign(new Membership(), { accountId }); // a service user has none
  tx.authorize(action, member);
  return member;
}
