import type { Transaction } from "../../context/transaction";
import { Session } from "../../entities/Session";

/**
 * Locks a session of the caller's, to end it or to change it.
 *
 * @throws NotFound for a session of another user; Forbidden for an API key, which has no session.
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
