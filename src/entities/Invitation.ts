import { Field, ObjectType, registerEnumType } from "type-graphql";
import { Entity, ForeignKey, Index } from "typeorm";
import { AccountId, Hidden, Id, Moment, Reference, Secret, Text } from "./columns";
import { Membership } from "./Membership";
import { Node } from "./Node";
import type { BillingRole, DeveloperRole, TeamRole } from "./roles";
import { type Roles } from "./roles";

export enum InvitationStatus {
  PENDING = "PENDING",
  ACCEPTED = "ACCEPTED",
  DECLINED = "DECLINED",
  REVOKED = "REVOKED",
  EXPIRED = "EXPIRED",
}
registerEnumType(InvitationStatus, {
  name: "InvitationStatus",
  description: "What became of an invitation.",
  valuesConfig: {
    PENDING: { description: "It can be accepted." },
    ACCEPTED: { description: "The invited person has become a member." },
    DECLINED: { description: "The invited person has declined it." },
    REVOKED: { description: "It was revoked." },
    EXPIRED: { description: "It was not answered in time." },
  },
});

/** An offer of membership to the owner of an email, with the roles that they would have. */
@ObjectType({ description: "An offer of membership by email.", implements: Node })
@Entity("invitations")
@Index(["accountId", "email"], {
  unique: true,
  where: "accepted_at is null and declined_at is null and revoked_at is null",
})
@Index(["accountId", "tokenHash"], { unique: true })
@ForeignKey(() => Membership, ["accountId", "inviterId"], ["accountId", "id"])
export class Invitation implements Roles {
  @AccountId()
  accountId: string;

  @Id()
  id: string;

  @Text({ description: "Email address that was invited, in lower case." })
  email: string;

  @Hidden({ type: "boolean" })
  administrator: boolean;

  @Hidden({ type: "text" })
  developer: DeveloperRole;

  @Hidden({ type: "text" })
  team: TeamRole;

  @Hidden({ type: "text" })
  billing: BillingRole;

  @Reference()
  inviterId: string;

  @Secret({ type: "bytea" })
  tokenHash: Buffer;

  @Moment({ always: true, description: "Timestamp of when the invitation stops working." })
  expiresAt: Date;

  @Moment({ description: "Timestamp of when it was accepted." })
  acceptedAt: Date | null;

  @Moment({ description: "Timestamp of when it was declined." })
  declinedAt: Date | null;

  @Moment({ description: "Timestamp of when it was revoked." })
  revokedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when it was created." })
  createdAt: Date;

  @Field(() => InvitationStatus, { description: "What became of the invitation." })
  get status(): InvitationStatus {
    if (this.acceptedAt) return InvitationStatus.ACCEPTED;
    if (this.declinedAt) return InvitationStatus.DECLINED;
    if (this.revokedAt) return InvitationStatus.REVOKED;
    return this.expiresAt <= new Date() ? InvitationStatus.EXPIRED : InvitationStatus.PENDING;
  }
}
