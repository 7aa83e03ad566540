import { ObjectType } from "type-graphql";
import { Entity } from "typeorm";
import { Flag, Hidden, Id, Moment, Text } from "./columns";
import { Node } from "./Node";

/**
 * A tenant. Every other row but a user's own belongs to exactly one.
 *
 * A deleted account is closed rather than erased: nothing in it can be seen or used, and its
 * events stay for the operator.
 */
@ObjectType({ description: "A tenant and everything it owns.", implements: Node })
@Entity("accounts")
export class Account {
  @Id()
  id: string;

  @Text({ description: "Name of the account, as its members see it." })
  name: string;

  @Flag({
    default: false,
    description: "Indicates whether nobody gets in without two-factor authentication.",
  })
  mfaRequired: boolean;

  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  deletedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when the account was created." })
  createdAt: Date;
}
