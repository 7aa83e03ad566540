import { Field, ID, ObjectType, registerEnumType } from "type-graphql";
import { GraphQLJSONObject } from "graphql-scalars";
import { Entity, ForeignKey, Index } from "typeorm";
import { Account } from "./Account";
import { AccountId, Hidden, Id, Moment, Reference, Text } from "./columns";
import { Node } from "./Node";
import type { SignInMethod } from "./Session";
import { Surface } from "./Session";
import { User } from "./User";

/**
 * The types of events, in the past tense, with the version of their shape. Programs of other people match
 * on these names: add new ones, and never rename one.
 */
export type EventType =
  | "account_created.v1"
  | "account_updated.v1"
  | "account_deleted.v1"
  | "account_entered.v1"
  | "member_added.v1"
  | "member_roles_updated.v1"
  | "member_disabled.v1"
  | "member_enabled.v1"
  | "member_removed.v1"
  | "member_left.v1"
  | "member_mfa_reset.v1"
  | "service_user_created.v1"
  | "invitation_created.v1"
  | "ip_restriction_created.v1"
  | "ip_rule_created.v1"
  | "api_key_created.v1"
  | "authtoken_created.v1"
  | "credential_updated.v1"
  | "credential_revoked.v1"
  | "action_refused.v1"
  | "user_created.v1"
  | "user_password_rehashed.v1"
  | "user_password_updated.v1"
  | "user_password_reset.v1"
  | "user_password_set.v1"
  | "user_email_updated.v1"
  | "user_language_updated.v1"
  | "breach_check_failed.v1"
  | "signed_in.v1"
  | "sign_in_refused.v1"
  | "signed_out.v1"
  | "session_ended.v1"
  | "reauthenticated.v1"
  | "reauthentication_refused.v1"
  | "authenticator_created.v1"
  | "authenticator_confirmed.v1"
  | "authenticator_removed.v1"
  | "mfa_enabled.v1"
  | "mfa_disabled.v1"
  | "mfa_reset.v1"
  | "mfa_refused.v1"
  | "recovery_code_used.v1"
  | "recovery_codes_created.v1"
  | "identity_linked.v1"
  | "identity_unlinked.v1"
  | "authenticator_reencrypted.v1";

export enum PrincipalKind {
  USER = "USER",
  SERVICE_USER = "SERVICE_USER",
  SYSTEM = "SYSTEM",
}
registerEnumType(PrincipalKind, {
  name: "PrincipalKind",
  description: "What kind of principal acted.",
  valuesConfig: {
    USER: { description: "A person." },
    SERVICE_USER: { description: "A service user of the account." },
    SYSTEM: { description: "Gatehouse itself: a job, or an operator at the command line." },
  },
});

/** Each changed column, before and after. Secrets never appear. */
export type Changes = Record<string, [before: unknown, after: unknown]>;

/** Why the action was allowed or refused: the rule, and what the rule was asked about. */
export interface RecordedDecision {
  action: string;
  /** The object of the action, in the form that errors have. */
  subject: { type: string; id: string | null };
  allowed: boolean;
  rule: string | null;
  /** Role names above the lowest that the principal held in the account. */
  roles: string[];
  methods: SignInMethod[];
  authenticatedAt: Date | null;
  code?: string;
  /** How many refusals this event is about. */
  count?: number;
  /** The time of the first refusal, where there are several. All else in the event is of the latest. */
  since?: string;
  /** True where the refusals have different objects or addresses, too many for events of their own. */
  mixed?: true;
}

/** The principal who acted, as they were then. A copy, as they may have changed or left since. */
@ObjectType({ description: "The principal who acted, as they were at the time." })
export class EventPrincipal {
  @Field(() => ID)
  id: string;

  @Field(() => PrincipalKind, { description: "Kind of the principal." })
  kind: PrincipalKind;

  @Field(() => String, { description: "Email of the user, or name of the service user or job." })
  subject: string;

  @Field(() => Surface, { nullable: true, description: "Where the request arrived." })
  surface: Surface | null;

  @Field(() => ID, { nullable: true, description: "ID of the credential that was used, if any." })
  credentialId: string | null;

  @Field(() => ID, { nullable: true, description: "ID of the session that was used, if any." })
  sessionId: string | null;
}

/** The columns of every event, whether it belongs to an account or to a user. They never change. */
@ObjectType()
abstract class EventColumns {
  @Text({ description: "Type of the event with the version of its shape: `member_disabled.v1`." })
  type: EventType;

  @Moment({ always: true, description: "Timestamp of the event." })
  occurredAt: Date;

  @Hidden({ type: "text" })
  principalKind: PrincipalKind;

  @Reference()
  principalId: string;

  @Hidden({ type: "text" })
  principalSubject: string;

  @Hidden({ type: "text", nullable: true })
  surface: Surface | null;

  @Reference({ nullable: true })
  credentialId: string | null;

  @Reference({ nullable: true })
  sessionId: string | null;

  @Field(() => ID, { description: "ID of the object that was acted on." })
  @Reference()
  objectId: string;

  @Field(() => GraphQLJSONObject, {
    description: "The object that was acted on, as it was after the event. Secrets never appear.",
  })
  @Hidden({ type: "jsonb" })
  object: Record<string, unknown>;

  @Field(() => GraphQLJSONObject, {
    description: "Each field that changed: `[before, after]`. Secrets never appear.",
  })
  @Hidden({ type: "jsonb" })
  changes: Changes;

  @Field(() => GraphQLJSONObject, {
    description:
      "What was attempted (`action`, `subject`), and the rule that allowed or refused it, with the roles and sign-in methods of the principal.",
  })
  @Hidden({ type: "jsonb" })
  decision: RecordedDecision;

  @Field(() => String, { nullable: true, description: "Address that the request came from." })
  @Hidden({ type: "inet", nullable: true })
  ip: string | null;

  @Text({ nullable: true, description: "Client, as it names itself (`User-Agent`)." })
  userAgent: string | null;

  @Text({ nullable: true, description: "ID of the request, as in the response's `x-request-id`." })
  requestId: string | null;

  @Field(() => EventPrincipal, {
    description: "The principal who acted, as they were at the time.",
  })
  get principal(): EventPrincipal {
    return {
      id: this.principalId,
      kind: this.principalKind,
      subject: this.principalSubject,
      surface: this.surface,
      credentialId: this.credentialId,
      sessionId: this.sessionId,
    };
  }
}

/** Something that happened in an account. It is written in the transaction of the change. */
@ObjectType({ description: "Something that happened in an account.", implements: Node })
@Entity("events")
@Index(["accountId", "principalId", "id"])
@Index(["accountId", "objectId", "id"])
@Index(["accountId", "type", "id"])
@Index(["accountId", "principalId", "type", "id"])
@Index(["accountId", "ip", "id"])
@Index("events_network_idx", { synchronize: false })
@ForeignKey(() => Account, ["accountId"], ["id"])
export class Event extends EventColumns {
  @AccountId()
  accountId: string;

  @Id()
  id: string;
}

/** Something that concerns a user and no account, such as a sign-in. */
@ObjectType({
  description: "Something that concerns you and no account, such as a sign-in.",
  implements: Node,
})
@Entity("user_events")
@ForeignKey(() => User, ["userId"], ["id"])
export class UserEvent extends EventColumns {
  @AccountId()
  userId: string;

  @Id()
  id: string;
}
