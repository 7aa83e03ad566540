import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";

/** Keeps other transactions from linking a subject until this one ends. */
export async function lockSubject(
  tx: Transaction,
  provider: SocialProvider,
  subject: string,
): Promise<void> {
  const name = `${provider} ${subject}`;
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
}
