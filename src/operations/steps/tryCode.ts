import type { Context } from "../../context/context";
import { type Purpose, tryAt } from "./tryAt";

/** Counts the caller's try at a code. `check` refuses a caller without a session, and nothing is counted. */
export function tryCode<T>(
  ctx: Context,
  purpose: Exclude<Purpose, "sign-in">,
  check: () => Promise<T>,
): Promise<T> {
  const { principal: who } = ctx;
  if (!who.sessionId) return check();
  return tryAt(ctx, { secret: "code", purpose, email: who.subject, who }, check);
}
