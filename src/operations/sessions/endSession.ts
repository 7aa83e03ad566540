import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import { voidPendingProofs } from "../../identity/oneTimeTokens";
import { lockOwnSession } from "../steps/lockOwnSession";

/**
 * Ends a session of the caller. From this commit on its token opens nothing. To end another session than
 * that of this request also voids what an intruder may have begun in it.
 *
 * @throws NotFound for a session of another user.
 * @throws Forbidden for an API key.
 */
export async function endSession(ctx: Context, sessionId: string): Promise<Session> {
  return ctx.self.transaction(async (tx) => {
    const session = await lockOwnSession(tx, sessionId);
    if (session.endedAt) return session;

    session.endedAt = tx.now;
    await tx.save(session);
    await tx.record("session_ended.v1", session);
    if (sessionId !== tx.principal.sessionId)
      await voidPendingProofs(tx.unrecorded("one_time_tokens"), session.userId);
    return session;
  });
}
