import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { User } from "../../entities/User";
import { Refusal, Refused } from "../../errors";

/**
 * Locks the user whom the operator names by email.
 *
 * @throws Refused (BAD_USER_INPUT) where there is no such user.
 */
export async function lockNamed(tx: Transaction, email: string): Promise<User> {
  const [user] = await tx.rows(User, sql`row.email = ${email}`);
  if (user) return user;
  const message = `No user has the email ${email}. Give the email that the user signs in with.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, ["email"]);
}
