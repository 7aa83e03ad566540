import type { Context } from "../../context";
import { Session } from "../../entities/Session";
import { Forbidden } from "../../errors";

/** Ends the session that asks. @throws Forbidden for an API key, which has none. */
export async function signOut(ctx: Context): Promise<Session> {
  const { sessionId } = ctx.principal;
  if (!sessionId) throw new Forbidden("FORBIDDEN", "An API key has no session to end. Revoke it.");
  return ctx.self.transaction(async (tx) => {
    const session = await tx.lock(Session, sessionId);
    tx.authorize("end", session);
    if (session.endedAt) return session;

    session.endedAt = tx.now;
    await tx.save(session);
    await tx.record("signed_out.v1", session);
    return session;
  });
}
