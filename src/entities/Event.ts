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
 * Everything that can happen, in the past tense, with the version of its shape. Others match on
 * these: add, never rename.
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

/** Why it was allowed, or refused: the rule, and what it looked at. */
export interface RecordedDecision {
  action: string;
  /** What it was done to, or would have been: in words as errors have it. */
  subject: { type: string; id: string | null };
  allowed: boolean;
  rule: string | null;
  /** Role names above the lowest that the principal held in the account. */
  roles: string[];
  methods: SignInMethod[];
  authenticatedAt: Date | null;
  code?: string;
  /** How many refusals this one event stands for. */
  count?: number;
  /** When the first of several was refused; the event is as the latest was. */
  since?: string;
  /** They differ in what was to be done to, or in where from: more than were told apart. */
  mixed?: true;
}

/** Who acted, as they were then. They may be gone since, so this is a copy and not a reference. */
@ObjectType({ description: "Whoever acted, as they were at the time." })
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

/** What every event tells, whether it belongs to an account or to a user. Never altered. */
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

  @Field(() => ID, { description: "ID of what it was done to." })
  @Reference()
  objectId: string;

  @Field(() => GraphQLJSONObject, {
    description: "What it was done to, as it is since. Secrets never appear.",
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
      "What was asked (`action`, `subject`), and which rule allowed or refused it, with which roles and sign-in methods.",
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

  @Field(() => EventPrincipal, { description: "Whoever acted, as they were at the time." })
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

/** Something that happened in an account: written with the change it tells of. */
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

/** Something that happened to a user and in no account: sign-ins, sessions. */
@ObjectType({
  description: "Something that happened to you and in no account, such as a sign-in.",
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
