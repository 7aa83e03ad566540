import { createMongoAbility, type MongoAbility, type RawRuleOf } from "@casl/ability";
import { Account } from "../entities/Account";
import type { Authenticator } from "../entities/Authenticator";
import type { Credential } from "../entities/Credential";
import type { Event, UserEvent } from "../entities/Event";
import type { Identity } from "../entities/Identity";
import type { Invitation } from "../entities/Invitation";
import type { IPRestriction } from "../entities/IPRestriction";
import type { IPRule } from "../entities/IPRule";
import type { Membership } from "../entities/Membership";
import type { ServiceUser } from "../entities/ServiceUser";
import type { Session } from "../entities/Session";
import type { User } from "../entities/User";
import type { DenialCode } from "../errors";
import type { Principal, Standing } from "../principal";
import { account } from "./account";
import { credential } from "./credential";
import { event } from "./event";
import { invitation } from "./invitation";
import { ipRestriction } from "./ipRestriction";
import { membership } from "./membership";
import { operator } from "./operator";
import { serviceUser } from "./serviceUser";
import { user } from "./user";

export const ACTIONS = [
  "read",
  "create",
  "update",
  "delete",
  "updateRoles",
  "disable",
  "enable",
  "remove",
  "leave",
  "revoke",
  "end",
  "resetMfa",
] as const;
export type Action = (typeof ACTIONS)[number];

export type SubjectClass =
  | typeof Account
  | typeof Membership
  | typeof ServiceUser
  | typeof Credential
  | typeof Invitation
  | typeof IPRestriction
  | typeof IPRule
  | typeof Event
  | typeof User
  | typeof Session
  | typeof Authenticator
  | typeof Identity
  | typeof UserEvent;
export type Subject = InstanceType<SubjectClass>;
export type Ability = MongoAbility<[Action, SubjectClass | Subject]>;
export type Rule = RawRuleOf<Ability> & {
  subject: SubjectClass;
  reason: string;
  code?: DenialCode;
};
export type Conditions = Record<string, unknown>;

type Say = (
  actions: Action | readonly Action[],
  subject: SubjectClass,
  reason: string,
  conditions?: Conditions,
) => void;

/**
 * The two words of a policy. Roles only `allow`, each with the reason in words a person reads;
 * `forbid` is for absolutes and comes last, since the later rule wins.
 */
export interface Words {
  allow: Say;
  forbid: (...say: [...Parameters<Say>, code?: DenialCode]) => void;
}

/** A policy says, for one kind of row, who in its account may do what to it. */
export type Policy = (words: Words, who: Standing) => void;

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
 * Everything a principal may do in one account, given the roles held right now.
 *
 * Each `allow` is narrowed to that account here, once, so no policy can forget to.
 */
export function abilityIn(who: Standing): Ability {
  return build(
    (words) => policies.forEach((policy) => policy(words, who)),
    (rule) => ({ [rule.subject === Account ? "id" : "accountId"]: who.accountId }),
  );
}

/** Everything a principal may do with what is their own and belongs to no account. */
export function abilityOver(principal: Principal): Ability {
  return build(
    (words) => [user, operator].forEach((policy) => policy(words, principal)),
    () => ({}),
  );
}

/** The rule that decides about this row, if any speaks of it. */
export function ruleFor(ability: Ability, action: Action, row: Subject): Rule | null {
  return (ability.relevantRuleFor(action, row)?.origin as Rule | undefined) ?? null;
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
