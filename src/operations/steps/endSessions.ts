import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Session } from "../../entities/Session";
import { voidPendingProofs } from "../../identity/oneTimeTokens";
import { assertOpen } from "./lockOwnSession";

/** Ends these, which are held, and records each. */
export async function endEach(tx: Transaction, sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) {
    tx.authorize("end", session);
    session.endedAt = tx.now;
  }
  await tx.saveAll(sessions, "endedAt");
  await tx.record("session_ended.v1", ...sessions);
}

/**
 * Ends a person's sessions that are open, but for one, and voids what was begun in them.
 *
 * @param userId Whose; the caller's own if absent.
 * @throws Forbidden for an API key; Unauthenticated when the one that asks was ended meanwhile.
 */
export async function endSessions(
  tx: Transaction,
  except: string | null,
  userId = tx.principal.id,
): Promise<Session[]> {
  const { sessionId } = tx.principal;
  tx.authorize("end", Object.assign(new Session(), { userId }));
  // All of them: of two that end each other, one is first.
  const open = await tx.rows(
    Session,
    sql`row.user_id = ${userId} and row.ended_at is null and row.expires_at > now()`,
  );
  if (sessionId) assertOpen(open, sessionId);
  const others = open.filter(({ id }) => id !== except);
  await voidPendingProofs(tx, userId);
  await endEach(tx, others);
  return others;
}
