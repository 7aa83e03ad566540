import { raw } from "../../src/database/sql";
import { Forbidden } from "../../src/errors";
import { type Condition, conditions } from "../../src/policies/gate";

/** A condition on accounts of this name, which stands for those that may come. */
export function accountsCalled(called: string, outcome: "refused" | "warned of"): Condition {
  const name = raw("a.name");
  const message = `No one enters an account called ${called}.`;
  return {
    name: "planted",
    fact: { member: name, serviceUser: name },
    judge(fact, { standing: { accountId } }) {
      if (fact !== called) return null;
      if (outcome === "refused") return new Forbidden("MEMBER_DISABLED", message);
      return { code: "IP_RESTRICTED", message, accountId };
    },
  };
}

/** Does this while the gate has one more condition. */
export async function withCondition(condition: Condition, work: () => Promise<void>) {
  conditions.push(condition);
  try {
    await work();
  } finally {
    conditions.splice(conditions.indexOf(condition), 1);
  }
}

/** What may change behind a caller's back, and how it changes back where it does. */
export type Change = [what: string, sql: string];
/** For each condition of the gate, what makes it keep the member out, and what lets them in. */
export const OF_GATE: Record<string, Change[]> = {
  disabled: [
    ["is disabled", "update memberships set disabled_at = now() where id = $m"],
    ["is enabled", "update memberships set disabled_at = null where id = $m"],
  ],
  mfaMissing: [
    ["finds the account to require MFA", "update accounts set mfa_required = true where id = $a"],
    ["turns it on", "update users set mfa_enabled_at = now() where id = $u"],
    ["turns it off", "update users set mfa_enabled_at = null where id = $u"],
    ["finds it not required", "update accounts set mfa_required = false where id = $a"],
  ],
};
