import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { updateMemberRoles } from "../../operations/members/updateMemberRoles";
import { Payload, payload } from "../payload";
import { RolesInput } from "../memberRoles";

@InputType({ description: "What `updateMemberRoles` takes." })
class UpdateMemberRolesInput {
  @Field(() => ID, { description: "ID of the member whose roles to change." })
  memberId: string;

  @Field(() => RolesInput, { description: "Roles to set. Absent roles stay as they are." })
  roles: RolesInput;
}

@ObjectType({ description: "What `updateMemberRoles` answers." })
class UpdateMemberRolesPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@Resolver()
export class UpdateMemberRoles {
  @Mutation(() => UpdateMemberRolesPayload, {
    nullable: true,
    description:
      "Changes a member's roles. To make an administrator, a session takes a proof of the last 15 minutes.",
  })
  updateMemberRoles(
    @Arg("input", () => UpdateMemberRolesInput, { description: "Input of the mutation." })
    { memberId, roles }: UpdateMemberRolesInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateMemberRolesPayload> {
    return payload(async () => ({ member: await updateMemberRoles(ctx, memberId, roles) }));
  }
}
