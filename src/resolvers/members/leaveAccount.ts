import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { leaveAccount } from "../../operations/members/leaveAccount";
import { Payload, payload } from "../payload";

@InputType({ description: "What `leaveAccount` takes." })
class LeaveAccountInput {
  @Field(() => ID, { description: "ID of the account to leave." })
  accountId: string;
}

@ObjectType({ description: "What `leaveAccount` answers." })
class LeaveAccountPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the account that you left." })
  accountId?: string;
}

@Resolver()
export class LeaveAccount {
  @Mutation(() => LeaveAccountPayload, {
    nullable: true,
    description: "Ends your own membership, with the same effect as being removed.",
  })
  leaveAccount(
    @Arg("input", () => LeaveAccountInput, { description: "Input of the mutation." })
    { accountId }: LeaveAccountInput,
    @Ctx() ctx: Context,
  ): Promise<LeaveAccountPayload> {
    return payload(async () => ({ accountId: (await leaveAccount(ctx, accountId)).accountId }));
  }
}
