import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { Unauthenticated } from "../../errors";
import { endEach } from "../steps/endSessions";

/**
 * Puts a new session into the browser's cookie. The session that was in the cookie ends, whatever user it
 * belongs to: no browser has its token any more, so it would stay open and could not be signed out of.
 */
export async function keepSession(ctx: Context, token: string): Promise<void> {
  const { sessionId } = ctx.principal;
  const before = ctx.fillCookie();
  if (before && before.sessionId !== sessionId) {
    try {
      await ctx
        .as(before)
        .transaction(async (tx) => endEach(tx, [await tx.lock(Session, before.sessionId!)]));
    } catch (error) {
      if (!(error instanceof Unauthenticated)) throw error; // it has ended by itself
    }
  }
  ctx.browser.keepSession(token);
}
