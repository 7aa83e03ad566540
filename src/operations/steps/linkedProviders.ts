import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { PROVIDER_NAMES } from "../../identity/providers";

/** The providers that the caller can sign in with, for a notice; null for none. */
export async function linkedProviders(tx: Transaction): Promise<string | null> {
  const rows = await tx.query<{ provider: keyof typeof PROVIDER_NAMES }>(sql`
    select distinct provider from identities where user_id = ${tx.principal.id} order by 1`);
  return rows.map(({ provider }) => PROVIDER_NAMES[provider]).join(", ") || null;
}
