import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Session } from "../../entities/Session";
import { NotFound, Unauthenticated } from "../../errors";

/**
 * Takes a session of the caller's own, to end it or to go on with it.
 *
 * @throws NotFound for one that is not theirs; Forbidden for an API key, which has none.
 * @throws Unauthenticated when the session that asks was ended meanwhile, and it is another.
 */
export async function lockOwnSession(
  tx: Transaction,
  sessionId: string | null,
  action: "end" | "update" = "end",
): Promise<Session> {
  const asking = tx.principal.sessionId;
  const held = asking ? await tx.rows(Session, sql`row.id = any(${[asking, sessionId]})`) : [];
  const session = asking ? held.find(({ id }) => id === sessionId) : new Session();
  if (!session) throw new NotFound(sessionId!);
  tx.authorize(action, session);
  if (sessionId !== asking) assertOpen(held, asking);
  return session;
}

export function assertOpen(held: readonly Session[], sessionId: string | null): void {
  if (held.some(({ id, endedAt }) => id === sessionId && !endedAt)) return;
  throw new Unauthenticated("This session has ended. Sign in again.");
}
