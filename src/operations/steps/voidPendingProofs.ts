import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";

/** Voids what an intruder may have begun as a person: sign-ins that wait for a code, and another email. */
export async function voidPendingProofs(tx: Transaction, userId: string): Promise<void> {
  await tx.query(sql`
    delete from one_time_tokens where user_id = ${userId}
      and purpose in ('COMPLETE_SIGN_IN', 'UPDATE_EMAIL')`);
}
