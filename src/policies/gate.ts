import { Forbidden } from "../errors";
import type { Standing } from "../principal";

/**
 * What comes before the rules: whether this principal gets into the account at all (Y2). What
 * fails gives its own code. (IP restrictions and single sign-on join here.)
 */
export function gate(who: Standing): Forbidden | null {
  if (who.disabledAt) {
    return new Forbidden(
      "MEMBER_DISABLED",
      "Your access to this account is disabled. Ask one of its administrators to enable it.",
    );
  }
  if (who.mfaMissing) {
    return new Forbidden(
      "MFA_ENROLLMENT_REQUIRED",
      "This account requires two-factor authentication. Turn it on for yourself (`enrollTotp`), then come back.",
    );
  }
  return null;
}
