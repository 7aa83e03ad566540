import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { deleteAccount } from "../../operations/accounts/deleteAccount";
import { Payload, payload } from "../payload";

@InputType({ description: "What `deleteAccount` takes." })
class DeleteAccountInput {
  @Field(() => ID, { description: "ID of the account to delete." })
  accountId: string;

  @Field(() => String, { description: "Name of the account, typed as a confirmation." })
  name: string;
}

@ObjectType({ description: "What `deleteAccount` answers." })
class DeleteAccountPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the account that was deleted." })
  accountId?: string;
}

@Resolver()
export class DeleteAccount {
  @Mutation(() => DeleteAccountPayload, {
    nullable: true,
    description:
      "Deletes an account for good. Its members' other accounts are untouched. Takes a proof of the " +
      "last 15 minutes; refused to API keys.",
  })
  deleteAccount(
    @Arg("input", () => DeleteAccountInput, { description: "Input of the mutation." })
    { accountId, name }: DeleteAccountInput,
    @Ctx() ctx: Context,
  ): Promise<DeleteAccountPayload> {
    return payload(async () => ({ accountId: (await deleteAccount(ctx, accountId, name)).id }));
  }
}
