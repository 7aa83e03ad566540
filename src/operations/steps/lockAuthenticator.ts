import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Authenticator } from "../../entities/Authenticator";

/** Locks the caller's confirmed authenticator; null where they have none. */
export async function lockAuthenticator(tx: Transaction): Promise<Authenticator | null> {
  const [found] = await tx.rows(
    Authenticator,
    sql`row.user_id = ${tx.principal.id} and row.confirmed_at is not null and row.removed_at is null`,
  );
  return found ?? null;
}

/** Locks the authenticator that a user, by default the caller, has not confirmed yet; null for none. */
export async function lockPending(
  tx: Transaction,
  userId = tx.principal.id,
): Promise<Authenticator | null> {
  const [found] = await tx.rows(
    Authenticator,
    sql`row.user_id = ${userId} and row.confirmed_at is null and row.removed_at is null`,
  );
  return found ?? null;
}
