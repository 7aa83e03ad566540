import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { disableMember } from "../../operations/members/disableMember";
import { Payload, payload } from "../payload";

@InputType({ description: "What `disableMember` takes." })
class DisableMemberInput {
  @Field(() => ID, { description: "ID of the member to disable." })
  memberId: string;
}

@ObjectType({ description: "What `disableMember` answers." })
class DisableMemberPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@Resolver()
export class DisableMember {
  @Mutation(() => DisableMemberPayload, {
    nullable: true,
    description: "Takes a member's access away, also by their credentials, until they are enabled.",
  })
  disableMember(
    @Arg("input", () => DisableMemberInput, { description: "Input of the mutation." })
    { memberId }: DisableMemberInput,
    @Ctx() ctx: Context,
  ): Promise<DisableMemberPayload> {
    return payload(async () => ({ member: await disableMember(ctx, memberId) }));
  }
}
