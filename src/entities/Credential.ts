import { Field, InterfaceType, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index, VirtualColumn } from "typeorm";
import { AccountId, Hidden, Id, Moment, Reference, Secret, Text, Word } from "./columns";
import { Membership } from "./Membership";
import { Node } from "./Node";
import { ServiceUser } from "./ServiceUser";

export enum CredentialKind {
  AUTHTOKEN = "AUTHTOKEN",
  API_KEY = "API_KEY",
}
registerEnumType(CredentialKind, {
  name: "CredentialKind",
  description: "What a credential is for. New kinds may be added.",
  valuesConfig: {
    AUTHTOKEN: { description: "Starts agents." },
    API_KEY: { description: "Calls this API." },
  },
});

export enum CredentialStatus {
  ACTIVE = "ACTIVE",
  OWNER_DISABLED = "OWNER_DISABLED",
  EXPIRED = "EXPIRED",
  REVOKED = "REVOKED",
}
registerEnumType(CredentialStatus, {
  name: "CredentialStatus",
  description: "Whether a credential can be used.",
  valuesConfig: {
    ACTIVE: { description: "Can be used." },
    OWNER_DISABLED: { description: "Cannot be used until its owner is enabled." },
    EXPIRED: { description: "Has expired." },
    REVOKED: { description: "Was revoked for good." },
  },
});

/** The role names of a credential's owner above the lowest, as `namesHeld` gives them. */
const OWNER_ROLES = (row: string) => `(select coalesce(
  (select array_remove(array[
      case when o.administrator then 'administrator' end,
      case when o.developer <> 'READ_ONLY' then 'developer ' || o.developer end,
      case when o.team <> 'READ_ONLY' then 'team ' || o.team end,
      case when o.billing <> 'NONE' then 'billing ' || o.billing end], null)
    from memberships o where o.account_id = ${row}.account_id and o.id = ${row}.membership_id),
  (select array_remove(array[
      case when o.developer <> 'READ_ONLY' then 'developer ' || o.developer end], null)
    from service_users o where o.account_id = ${row}.account_id and o.id = ${row}.service_user_id),
  '{}'))`;

const OWNER_DISABLED = (row: string) => `(select coalesce(
  (select o.disabled_at is not null from memberships o
    where o.account_id = ${row}.account_id and o.id = ${row}.membership_id),
  (select o.disabled_at is not null from service_users o
    where o.account_id = ${row}.account_id and o.id = ${row}.service_user_id),
  true))`;

/**
 * A secret that acts for its owner: a member or a service user of the same account. The owner is set at
 * creation and never changes (C1).
 *
 * Only a SHA-256 of the secret is stored. A slow hash protects secrets that can be guessed. These are 256
 * random bits, so it would only slow down every request.
 */
@InterfaceType("Credential", {
  description: "A secret that acts for its owner.",
  implements: Node,
})
@Entity("credentials")
@Index(["accountId", "secretHash"], { unique: true })
@Index(["accountId", "membershipId", "id"])
@Index(["accountId", "serviceUserId", "id"])
@Index("credentials_filter_idx", { synchronize: false })
@ForeignKey(() => Membership, ["accountId", "membershipId"], ["accountId", "id"])
@ForeignKey(() => ServiceUser, ["accountId", "serviceUserId"], ["accountId", "id"])
export class Credential {
  @AccountId()
  accountId: string;

  @Id()
  id: string;

  @Word(() => CredentialKind, { description: "What the credential is for." })
  kind: CredentialKind;

  @Reference({ nullable: true })
  membershipId: string | null;

  @Reference({ nullable: true })
  serviceUserId: string | null;

  @Text({ description: "What the credential is for, in its owner's words." })
  description: string;

  @Text({ description: "Free text for data of the owner's own, stored unchanged." })
  metadata: string;

  @Secret({ type: "bytea" })
  secretHash: Buffer;

  @Text({ description: "Last four characters of the secret, to tell credentials apart." })
  lastFour: string;

  @Moment({ description: "Timestamp of when the credential expires." })
  expiresAt: Date | null;

  @Moment({ description: "Timestamp of when the credential was revoked." })
  revokedAt: Date | null;

  @Moment({ description: "Timestamp of the last use, to the minute." })
  lastUsedAt: Date | null;

  @Field(() => String, {
    nullable: true,
    description: "Address that the credential was last used from.",
  })
  @Hidden({ type: "inet", nullable: true })
  lastUsedIp: string | null;

  @Moment({ always: true, description: "Timestamp of when the credential was created." })
  createdAt: Date;

  get typeName(): string {
    return this.kind === CredentialKind.API_KEY ? "ApiKey" : "Authtoken";
  }

  /** The owner's present roles, for the rules about credentials of other owners (C11). */
  @VirtualColumn({ type: "simple-array", query: OWNER_ROLES })
  ownerRoles?: string[];

  @VirtualColumn({ type: "boolean", query: OWNER_DISABLED })
  ownerDisabled?: boolean;
}

@ObjectType({ description: "A credential that calls this API.", implements: [Node, Credential] })
export class ApiKey extends Credential {}

@ObjectType({ description: "A credential that starts agents.", implements: [Node, Credential] })
export class Authtoken extends Credential {}
