import type { Context } from "../../context";
import { Session } from "../../entities/Session";

/** Ends the session that asks. @throws Forbidden for an API key, which has none to end. */
export async function signOut(ctx: Context): Promise<Session> {
  return ctx.self.transaction(async (tx) => {
    const { sessionId } = tx.principal;
    const session = sessionId ? await tx.lock(Session, sessionId) : new Session();
    tx.authorize("end", session);
    if (session.endedAt) return session;

    session.endedAt = tx.now;
    await tx.save(session);
    await tx.record("signed_out.v1", session);
    return session;
  });
}
