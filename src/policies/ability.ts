import type { MongoAbility, RawRuleOf } from "@casl/ability";
import type { Account } from "../entities/Account";
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
import type { Standing } from "../principal";

export const ACTIONS = [
  "read",
  "create",
  "update",
  "delete",
  "updateRoles",
  "updateSignInPolicy",
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
 * The two words of a policy. A role only ever `allow`s, with a reason that is shown to people. A
 * `forbid` holds for all roles and comes last, since a later rule wins.
 */
export interface Words {
  allow: Say;
  forbid: (...say: [...Parameters<Say>, code?: DenialCode]) => void;
}

/** A policy says who in an account may do what to one kind of row. */
export type Policy = (words: Words, who: Standing) => void;

/** The rule that decides about this row; null where no rule is about it. */
export function ruleFor(ability: Ability, action: Action, row: Subject): Rule | null {
  return (ability.relevantRuleFor(action, row)?.origin as Rule | undefined) ?? null;
}
