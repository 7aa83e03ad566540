import type { Context } from "../../context";
import { sql } from "../../database/sql";
import { type Session, SignInMethod } from "../../entities/Session";
import { Unauthenticated } from "../../errors";
import { verifyPassword } from "../../identity/passwords";
import { newToken } from "../../identity/tokens";
import { recordRefusal } from "../../recording";
import { lockOwnSession } from "../invariants";

/**
 * Has the person prove again that it is them, for what takes a proof of the last minutes (U11).
 * The session goes on under a new token: whoever had copied the old one is out.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS) for a wrong password.
 * @throws Forbidden for an API key.
 */
export async function reauthenticate(
  ctx: Context,
  password: string,
): Promise<{ session: Session; token: string }> {
  const { id, sessionId } = ctx.principal;
  if (sessionId) await assertPassword(ctx, id, password);

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

async function assertPassword(ctx: Context, userId: string, password: string): Promise<void> {
  const [user] = await ctx.db.query<{ hash: string | null }>(sql`
    select password_hash as hash from users where id = ${userId}`);
  if (await verifyPassword(user?.hash ?? null, password)) return;
  const refusal = {
    type: "reauthentication_refused.v1" as const,
    stream: { userId },
    objectId: ctx.principal.sessionId!,
    decision: {
      action: "update Session",
      allowed: false,
      rule: null,
      code: "INVALID_CREDENTIALS",
      roles: null,
    },
  };
  ctx.background(recordRefusal(ctx.db, ctx.principal, ctx.request, refusal));
  throw new Unauthenticated("The password is wrong.", "INVALID_CREDENTIALS");
}
