import { Forbidden } from "../errors";
import type { Standing } from "../principal";

/**
 * What comes before the rules: whether this principal gets into the account at all (Y2). What
 * fails gives its own code. (Sign-in policy and IP restrictions join here.)
 */
export function gate(who: Standing): Forbidden | null {
  if (!who.disabledAt) return null;
  return new Forbidden(
    "MEMBER_DISABLED",
    "Your access to this account is disabled. Ask one of its administrators to enable it.",
  );
}
