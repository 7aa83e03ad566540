import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { Refused } from "../../errors";
import { tokenInvalid } from "./readOneTimeToken";

/**
 * Keeps other transactions from giving an email to a user until this one ends.
 *
 * @throws what `taken` returns where a user has the email.
 */
export async function reserveEmail(
  tx: Transaction,
  email: string,
  taken: () => Refused = tokenInvalid,
): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${email}, 0))`);
  const users = await tx.query(sql`select from users where email = ${email}`);
  if (users.length) throw taken();
}
