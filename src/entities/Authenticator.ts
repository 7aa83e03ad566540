import { Field, Int, ObjectType } from "type-graphql";
import { Entity, ForeignKey, Index } from "typeorm";
import { Hidden, Id, Moment, Reference, Secret } from "./columns";
import { Node } from "./Node";
import { User } from "./User";

/**
 * A person's second factor: an app that makes codes (TOTP, RFC 6238), and the recovery codes that
 * stand in for it. On once a first code confirmed it; one that is removed stays, without its
 * secret, for what events tell of it.
 */
@ObjectType({
  description: "Your second factor: an app that makes codes, and its recovery codes.",
  implements: Node,
})
@Entity("authenticators")
@Index(["userId", "id"])
@Index("authenticators_on_idx", ["userId"], {
  unique: true,
  where: "confirmed_at is not null and removed_at is null",
})
@Index("authenticators_pending_idx", ["userId"], {
  unique: true,
  where: "confirmed_at is null and removed_at is null",
})
@ForeignKey(() => User, ["userId"], ["id"])
export class Authenticator {
  @Id()
  id: string;

  @Reference()
  userId: string;

  /** Sealed for this row (identity/encryption.ts). */
  @Secret({ type: "bytea", nullable: true })
  sealedSecret: Buffer | null;

  @Hidden({ type: "text" })
  keyId: string;

  /** The time step of the last code that was accepted: only a later one is. */
  @Secret({ type: "integer" })
  lastStep: number;

  @Secret({ type: "bytea", array: true })
  recoveryCodeHashes: Buffer[];

  @Field(() => Int, { description: "How many recovery codes are left, of ten.", simple: true })
  @Hidden({ type: "integer" })
  recoveryCodesLeft: number;

  @Moment({ description: "Timestamp of when the recovery codes were made." })
  recoveryCodesCreatedAt: Date | null;

  @Moment({ description: "Timestamp of when a first code confirmed it; null while it is off." })
  confirmedAt: Date | null;

  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  removedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when it was set up." })
  createdAt: Date;
}
