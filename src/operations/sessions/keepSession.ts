import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { Unauthenticated } from "../../errors";
import { endEach } from "../steps/endSessions";

/**
 * Gives the browser its new session, in the cookie. A session that was in it, whoever's, ends: no
 * browser has its token any more, so it would stay open with nobody there to sign out.
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
      if (!(error instanceof Unauthenticated)) throw error; // it has ended meanwhile
    }
  }
  ctx.browser.keepSession(token);
}
