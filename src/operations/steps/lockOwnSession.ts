import type { Transaction } from "../../context/transaction";
import { Session } from "../../entities/Session";

/**
 * Takes a session of the caller's own, to end it or to go on with it.
 *
 * @throws NotFound for one that is not theirs; Forbidden for an API key, which has none.
 */
export async function lockOwnSession(
  tx: Transaction,
  sessionId: string | null,
  action: "end" | "update" = "end",
): Promise<Session> {
  const session = tx.principal.sessionId ? await tx.lock(Session, sessionId!) : new Session();
  tx.authorize(action, session);
  return session;
}
