import type { Transaction } from "../../context/transaction";
import { User } from "../../entities/User";

/** Locks the caller's own user, to change it. @throws Forbidden for an API key. */
export async function lockSelf(tx: Transaction): Promise<User> {
  const { id, sessionId } = tx.principal;
  const user = sessionId ? await tx.lock(User, id) : Object.assign(new User(), { id });
  tx.authorize("update", user);
  return user;
}
