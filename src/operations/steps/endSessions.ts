import { sessionIsOpen } from "../../context/proof";
import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Session } from "../../entities/Session";
import { voidPendingProofs } from "../../identity/oneTimeTokens";
import { removePending } from "./removePending";

/** Ends sessions that the transaction has locked, and records each. */
export async function endEach(tx: Transaction, sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) {
    tx.authorize("end", session);
    session.endedAt = tx.now;
  }
  await tx.saveAll(sessions, "endedAt");
  await tx.record("session_ended.v1", ...sessions);
}

/**
 * Ends all open sessions of a user except one. It also voids what an intruder may have begun: sign-ins that
 * wait for a code, a change of the email, and an authenticator app that is not confirmed.
 *
 * @param except ID of the session that stays; null to end all.
 * @param userId The user; the caller where absent.
 * @throws Forbidden for an API key.
 */
export async function endSessions(
  tx: Transaction,
  except: string | null,
  userId = tx.principal.id,
): Promise<Session[]> {
  tx.authorize("end", Object.assign(new Session(), { userId }));
  const others = await tx.rows(
    Session,
    sql`row.user_id = ${userId} and row.id is distinct from ${except}
      and ${sessionIsOpen("row")}`,
  );
  await voidPendingProofs(tx.unrecorded("one_time_tokens"), userId);
  await removePending(tx, userId);
  await endEach(tx, others);
  return others;
}
