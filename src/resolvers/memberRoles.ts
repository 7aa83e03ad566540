import { Field, InputType, ObjectType } from "type-graphql";
import { BillingRole, DeveloperRole, type Roles, TeamRole } from "../entities/roles";

@ObjectType({
  simpleResolvers: true,
  description: "Roles of a member. A member may do what any of them allows.",
})
export class MemberRoles implements Roles {
  @Field(() => Boolean, { description: "Indicates whether the member runs the account." })
  administrator: boolean;

  @Field(() => DeveloperRole, { description: "What the member may do with credentials." })
  developer: DeveloperRole;

  @Field(() => TeamRole, { description: "What the member may do with other members." })
  team: TeamRole;

  @Field(() => BillingRole, { description: "What the member may do with billing details." })
  billing: BillingRole;
}

@InputType({ description: "Roles to filter by or to set. Absent roles do not matter." })
export class RolesInput {
  @Field(() => Boolean, { nullable: true, description: "Whether the member runs the account." })
  administrator?: boolean | null;

  @Field(() => DeveloperRole, { nullable: true, description: "Role with credentials." })
  developer?: DeveloperRole | null;

  @Field(() => TeamRole, { nullable: true, description: "Role with other members." })
  team?: TeamRole | null;

  @Field(() => BillingRole, { nullable: true, description: "Role with billing details." })
  billing?: BillingRole | null;
}
