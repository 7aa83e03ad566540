import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import { endSessions } from "../steps/endSessions";

/** Ends all sessions of the caller but that of this request. @throws Forbidden for an API key. */
export async function endOtherSessions(ctx: Context): Promise<Session[]> {
  return ctx.self.transaction((tx) => endSessions(tx, tx.principal.sessionId));
}
