import { Field, ObjectType } from "type-graphql";
import { Column, Entity, ForeignKey, Index } from "typeorm";
import { Account } from "./Account";
import { AccountId, Id, Moment, Word } from "./columns";
import { Node } from "./Node";
import { PrincipalInterface } from "./PrincipalInterface";
import { DeveloperRole } from "./roles";

/**
 * A principal that is not a person. It cannot sign in, has no email, and belongs to one account. It stays
 * when the member who created it leaves (S4). Its only role is developer.
 */
@ObjectType({
  description: "A principal of the account that is not a person, such as a build server.",
  implements: [Node, PrincipalInterface],
})
@Entity("service_users")
@Index(["accountId", "name"], { unique: true, where: "deleted_at is null" })
@ForeignKey(() => Account, ["accountId"], ["id"])
export class ServiceUser {
  @AccountId()
  accountId: string;

  @Id()
  id: string;

  @Field(() => String, { description: "Name of the service user, unique in the account." })
  @Column({ type: "text" })
  name: string;

  @Word(() => DeveloperRole, { description: "What the service user may do." })
  developer: DeveloperRole;

  @Moment({ description: "Timestamp of when the service user was disabled." })
  disabledAt: Date | null;

  @Column({ type: "timestamptz", precision: 3, nullable: true })
  deletedAt: Date | null;

  @Moment({ always: true, description: "Timestamp of when the service user was created." })
  createdAt: Date;
}
