import { Field, Int, ObjectType } from "type-graphql";
import { Entity, ForeignKey, Index } from "typeorm";
import { Hidden, Id, Moment, Reference, Secret } from "./columns";
import { Node } from "./Node";
import { User } from "./User";

/**
 * A user's second factor: an app that makes codes (TOTP, RFC 6238), and the recovery codes that replace
 * it. It is on when a first code has confirmed it. The row of a removed one stays without its secret, as
 * events refer to it.
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

  /** Encrypted for this row: it can't be decrypted in another one (identity/encryption.ts). */
  @Secret({ type: "bytea", nullable: true })
  sealedSecret: Buffer | null;

  @Hidden({ type: "text" })
  keyId: string;

  /** The time step of the last accepted code. Only a code of a later step is accepted. */
  @Secret({ type: "integer" })
  lastStep: number;

  @Secret({ type: "bytea", array: true })
  recoveryCodeHashes: Buffer[];

  @Field(() => Int, { description: "How many recovery codes are left, of ten.", simple: true })
  @Hidden({ type: "integer" })
  recoveryCodesLeft: number;

  @Moment({ description: "Timestamp of when the recovery codes were made." })
  recoveryCodesCreatedAt: Date | null;

  @Moment({ description: "Timestamp of when a first code confirmed it; null until then." })
  confirmedAt: Date | null;

  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  removedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when it was set up." })
  createdAt: Date;
}
