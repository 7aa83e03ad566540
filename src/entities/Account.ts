import { ObjectType } from "type-graphql";
import { Entity } from "typeorm";
import { Flag, Hidden, Id, Moment, Text } from "./columns";
import { Node } from "./Node";

/**
 * A tenant. Every row belongs to exactly one account, except the rows that belong to a user.
 *
 * The row of a deleted account stays: its members can see and use nothing in it, and the operator can
 * read its events.
 */
@ObjectType({
  description: "A tenant: its members, service users, credentials and settings.",
  implements: Node,
})
@Entity("accounts")
export class Account {
  @Id()
  id: string;

  @Text({ description: "Name of the account, as its members see it." })
  name: string;

  @Flag({
    default: false,
    description: "Indicates whether members need two-factor authentication to get in.",
  })
  mfaRequired: boolean;

  @Hidden({ type: "timestamptz", precision: 3, nullable: true })
  deletedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when the account was created." })
  createdAt: Date;
}
