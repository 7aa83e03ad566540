import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import { lockOwnSession } from "../steps/lockOwnSession";

/** Ends the session of this request. @throws Forbidden for an API key, which has no session. */
export async function signOut(ctx: Context): Promise<Session> {
  return ctx.self.transaction(async (tx) => {
    const session = await lockOwnSession(tx, tx.principal.sessionId);
    session.endedAt = tx.now;
    await tx.save(session);
    await tx.record("signed_out.v1", session);
    return session;
  });
}
