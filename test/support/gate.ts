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
      if (outcome === "refused") return new Forbidden("IP_RESTRICTED" as never, message);
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
