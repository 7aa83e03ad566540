import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Membership } from "../../entities/Membership";
import { enableMember } from "../../operations/members/enableMember";
import { Payload, payload } from "../payload";

@InputType({ description: "What `enableMember` takes." })
class EnableMemberInput {
  @Field(() => ID, { description: "ID of the member to enable." })
  memberId: string;
}

@ObjectType({ description: "What `enableMember` answers." })
class EnableMemberPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@Resolver()
export class EnableMember {
  @Mutation(() => EnableMemberPayload, {
    nullable: true,
    description: "Gives a disabled member their access back, also by their credentials.",
  })
  enableMember(
    @Arg("input", () => EnableMemberInput, { description: "Input of the mutation." })
    { memberId }: EnableMemberInput,
    @Ctx() ctx: Context,
  ): Promise<EnableMemberPayload> {
    return payload(async () => ({ member: await enableMember(ctx, memberId) }));
  }
}
