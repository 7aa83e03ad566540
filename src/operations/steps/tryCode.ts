import type { Context } from "../../context/context";
import { tryAt } from "./tryAt";

/** The caller's try at a code of their own. Whoever has no session is refused, and guesses at nothing. */
export function tryCode<T>(ctx: Context, check: () => Promise<T>): Promise<T> {
  const { principal: who } = ctx;
  if (!who.sessionId) return check();
  return tryAt(ctx, { secret: "code", email: who.subject, who }, check);
}
