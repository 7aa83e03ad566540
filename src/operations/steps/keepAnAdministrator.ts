import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { Membership } from "../../entities/Membership";
import { Refusal, Refused } from "../../errors";

/**
 * Refuses to disable, demote or remove an account's last active administrator (M7).
 *
 * The transaction has locked the account. Otherwise two administrators could leave at the same time:
 * each transaction would still see the other one.
 */
export async function keepAnAdministrator(tx: Transaction, leaving: Membership): Promise<void> {
  if (!leaving.administrator || leaving.disabledAt) return;
  const others = await tx.query(sql`
    select from memberships where account_id = ${leaving.accountId} and id <> ${leaving.id}
      and administrator and disabled_at is null and removed_at is null limit 1`);
  if (others.length) return;
  throw new Refused(
    Refusal.LAST_ADMINISTRATOR,
    "This is the account's last active administrator. Make another member an administrator first.",
  );
}
