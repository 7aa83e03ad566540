import type { Transaction } from "../../context/transaction";
import { lockPending } from "./lockAuthenticator";
import { removeAuthenticator } from "./removeAuthenticator";

/** Removes the user's authenticator that is not confirmed, if any: an intruder may have begun it. */
export async function removePending(tx: Transaction, userId: string): Promise<void> {
  const pending = await lockPending(tx, userId);
  if (pending) await removeAuthenticator(tx, pending);
}
