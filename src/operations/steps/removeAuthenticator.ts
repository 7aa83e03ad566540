import type { Transaction } from "../../context/transaction";
import type { Authenticator } from "../../entities/Authenticator";

/** Removes an authenticator and deletes its secrets. The row stays. */
export async function removeAuthenticator(tx: Transaction, row: Authenticator): Promise<void> {
  tx.authorize("update", row);
  row.removedAt = tx.now;
  row.sealedSecret = null;
  row.recoveryCodeHashes = [];
  row.recoveryCodesLeft = 0;
  await tx.save(row);
  await tx.record("authenticator_removed.v1", row);
}
