import { ObjectType } from "type-graphql";
import { Entity, ForeignKey, Unique } from "typeorm";
import { Account } from "./Account";
import { AccountId, Flag, Id, Moment, Word } from "./columns";
import { Node } from "./Node";
import { Surface } from "./Session";

/** Which addresses may reach one surface of an account. At most one for each surface. */
@ObjectType({
  description: "Which addresses may reach one surface of the account.",
  implements: Node,
})
@Entity("ip_restrictions")
@Unique(["accountId", "surface"])
@ForeignKey(() => Account, ["accountId"], ["id"])
export class IPRestriction {
  @AccountId()
  accountId: string;

  @Id()
  id: string;

  @Word(() => Surface, { description: "Surface that is restricted." })
  surface: Surface;

  @Flag({
    description:
      "Indicates whether other addresses are refused; if not, they only cause a warning.",
  })
  enforced: boolean;

  @Moment({ always: true, description: "Timestamp of when the restriction was created." })
  createdAt: Date;
}
