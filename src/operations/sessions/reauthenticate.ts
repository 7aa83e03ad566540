import type { Context } from "../../context";
import { type Session, SignInMethod } from "../../entities/Session";
import { Unauthenticated } from "../../errors";
import { newToken } from "../../identity/tokens";
import { assertPassword, lockOwnSession } from "../invariants";

/**
 * Has the person prove again that it is them, for what takes a proof of the last minutes (U11).
 * The session goes on under a new token: whoever had copied the old one is out.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS) for a wrong password.
 * @throws RateLimited after too many of them.
 * @throws Forbidden for an API key.
 */
export async function reauthenticate(
  ctx: Context,
  password: string,
): Promise<{ session: Session; token: string }> {
  const { sessionId } = ctx.principal;
  if (sessionId) await assertPassword(ctx, password);

  const { text, hash } = newToken("SESSION", null);
  const session = await ctx.self.transaction(async (tx) => {
    const session = await lockOwnSession(tx, sessionId, "update");
    // Ended while the password was checked: it stays so.
    if (session.endedAt) throw new Unauthenticated("This session has ended. Sign in again.");
    session.tokenHash = hash;
    session.authenticatedAt = tx.now;
    session.methods = [SignInMethod.PASSWORD];
    await tx.save(session);
    await tx.record("reauthenticated.v1", session);
    return session;
  });
  ctx.become({ ...ctx.principal, authenticatedAt: session.authenticatedAt });
  return { session, token: text };
}
