import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { removeMember } from "../../operations/members/removeMember";
import { Payload, payload } from "../payload";

@InputType({ description: "What `removeMember` takes." })
class RemoveMemberInput {
  @Field(() => ID, { description: "ID of the member to remove." })
  memberId: string;
}

@ObjectType({ description: "What `removeMember` answers." })
class RemoveMemberPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the member who was removed." })
  memberId?: string;
}

@Resolver()
export class RemoveMember {
  @Mutation(() => RemoveMemberPayload, {
    nullable: true,
    description: "Removes a member from the account and revokes their credentials there.",
  })
  removeMember(
    @Arg("input", () => RemoveMemberInput, { description: "Input of the mutation." })
    { memberId }: RemoveMemberInput,
    @Ctx() ctx: Context,
  ): Promise<RemoveMemberPayload> {
    return payload(async () => ({ memberId: (await removeMember(ctx, memberId)).id }));
  }
}
