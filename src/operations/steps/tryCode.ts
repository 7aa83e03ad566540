import type { Context } from "../../context/context";
import { type Purpose, tryAt } from "./tryAt";

/** The caller's try at a code of their own. A caller without a session is refused by `check`, uncounted. */
export function tryCode<T>(
  ctx: Context,
  purpose: Exclude<Purpose, "sign-in">,
  check: () => Promise<T>,
): Promise<T> {
  const { principal: who } = ctx;
  if (!who.sessionId) return check();
  return tryAt(ctx, { secret: "code", purpose, email: who.subject, who }, check);
}
