import type { Transaction } from "../../context/transaction";
import type { User } from "../../entities/User";

/** Records for the user that their new password could not be looked up in known breaches. */
export async function recordUnchecked(tx: Transaction, user: User): Promise<void> {
  await tx.save(user); // unchanged: an event is recorded of a row that was saved
  await tx.record("breach_check_failed.v1", user);
}
