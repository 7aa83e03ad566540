import { createMongoAbility } from "@casl/ability";
import { Account } from "../entities/Account";
import type { Principal, Standing } from "../principal";
import type { Ability, Conditions, Policy, Rule, SubjectClass, Words } from "./ability";
import { account } from "./account";
import { credential } from "./credential";
import { event } from "./event";
import { invitation } from "./invitation";
import { ipRestriction } from "./ipRestriction";
import { machine } from "./machine";
import { membership } from "./membership";
import { operator } from "./operator";
import { serviceUser } from "./serviceUser";
import { signingUp } from "./signingUp";
import { user } from "./user";

const policies: readonly Policy[] = [
  account,
  membership,
  serviceUser,
  credential,
  invitation,
  ipRestriction,
  event,
];

/**
 * Everything that a principal may do in one account, with the roles that they have now.
 *
 * Each `allow` is narrowed to that account here, so no policy can forget it.
 */
export function abilityIn(who: Standing): Ability {
  return build(
    (words) => (who.machine ? [machine] : policies).forEach((policy) => policy(words, who)),
    (rule) => ({ [rule.subject === Account ? "id" : "accountId"]: who.accountId }),
  );
}

/** Everything that a principal may do with what belongs to them and to no account. */
export function abilityOver(principal: Principal): Ability {
  return build(
    (words) => [user, signingUp, operator].forEach((policy) => policy(words, principal)),
    () => ({}),
  );
}

function build(speak: (words: Words) => void, narrow: (rule: Rule) => Conditions): Ability {
  const rules: Rule[] = [];
  speak({
    allow(action, subject, reason, conditions) {
      const rule = { action, subject, reason } as Rule;
      rules.push({ ...rule, conditions: { ...conditions, ...narrow(rule) } });
    },
    forbid(action, subject, reason, conditions, code) {
      rules.push({ action, subject, reason, conditions, inverted: true, code } as Rule);
    },
  });
  return createMongoAbility<Ability>(rules, {
    detectSubjectType: (row) => row.constructor as SubjectClass,
  });
}
