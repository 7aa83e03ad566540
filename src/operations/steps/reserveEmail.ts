import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { Refused } from "../../errors";
import { tokenInvalid } from "./readOneTimeToken";

/**
 * Keeps an email from getting another user until commit, and refuses it where it has one.
 *
 * @throws Refused (TOKEN_INVALID), as of a link, unless told otherwise.
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
