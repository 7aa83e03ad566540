import type { Transaction } from "../../context/transaction";
import type { User } from "../../entities/User";

/** Tells in the user's own events that nobody could say whether their password is in a breach. */
export async function recordUnchecked(tx: Transaction, user: User): Promise<void> {
  await tx.save(user); // as it was saved already: nothing is recorded that was not
  await tx.record("breach_check_failed.v1", user);
}
