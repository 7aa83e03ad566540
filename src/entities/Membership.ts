import { Field, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index } from "typeorm";
import { Account } from "./Account";
import { AccountId, Hidden, Id, Moment, Reference, Word } from "./columns";
import { Node } from "./Node";
import type { BillingRole, DeveloperRole, TeamRole } from "./roles";
import { type Roles } from "./roles";
import { User } from "./User";

export enum MemberStatus {
  ACTIVE = "ACTIVE",
  DISABLED = "DISABLED",
}
registerEnumType(MemberStatus, {
  name: "MemberStatus",
  description: "Whether a member has access.",
  valuesConfig: {
    ACTIVE: { description: "Has access." },
    DISABLED: { description: "Has no access until enabled. Keeps roles and credentials." },
  },
});

export enum Provisioning {
  FOUNDER = "FOUNDER",
  INVITATION = "INVITATION",
  JIT = "JIT",
  SCIM = "SCIM",
}
registerEnumType(Provisioning, {
  name: "Provisioning",
  description: "How a member came to the account.",
  valuesConfig: {
    FOUNDER: { description: "Created the account." },
    INVITATION: { description: "Accepted an invitation." },
    JIT: { description: "Signed in through an identity provider of the account." },
    SCIM: { description: "Was provisioned by the account's directory." },
  },
});

/**
 * A user's place in an account, and their roles there.
 *
 * The row of a removed membership stays as the owner of its revoked credentials, and no caller sees it.
 * A user who returns gets a new one.
 */
@ObjectType("Member", { description: "A person in an account.", implements: Node })
@Entity("memberships")
@Index(["accountId", "userId"], { unique: true, where: "removed_at is null" })
@Index(["userId", "id"])
@Index("memberships_filter_idx", { synchronize: false })
@ForeignKey(() => Account, ["accountId"], ["id"])
@ForeignKey(() => User, ["userId"], ["id"])
export class Membership implements Roles {
  @AccountId()
  accountId: string;

  @Id()
  id: string;

  @Reference()
  userId: string;

  @Hidden({ type: "boolean" })
  administrator: boolean;

  @Hidden({ type: "text" })
  developer: DeveloperRole;

  @Hidden({ type: "text" })
  team: TeamRole;

  @Hidden({ type: "text" })
  billing: BillingRole;

  @Word(() => Provisioning, { description: "How the member came to the account." })
  provisioning: Provisioning;

  @Moment({
    description: "Timestamp of when the member was disabled; null while they have access.",
  })
  disabledAt: Date | null;

  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  removedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when the member joined." })
  createdAt: Date;

  get typeName(): string {
    return "Member";
  }

  @Field(() => MemberStatus, { description: "Whether the member has access." })
  get status(): MemberStatus {
    return this.disabledAt ? MemberStatus.DISABLED : MemberStatus.ACTIVE;
  }
}
