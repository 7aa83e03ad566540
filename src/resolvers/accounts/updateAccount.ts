import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Account } from "../../entities/Account";
import { updateAccount } from "../../operations/accounts/updateAccount";
import { Payload, payload } from "../payload";

@InputType({ description: "What `updateAccount` takes." })
class UpdateAccountInput {
  @Field(() => ID, { description: "ID of the account to change." })
  accountId: string;

  @Field(() => String, { nullable: true, description: "Name of the account. At most 255 bytes." })
  name?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Whether members need two-factor authentication to get in. Takes a proof of the last 15 minutes; " +
      "refused to API keys. To require it, you must have it yourself.",
  })
  mfaRequired?: boolean | null;
}

@ObjectType({ description: "What `updateAccount` answers." })
class UpdateAccountPayload extends Payload {
  @Field(() => Account, { nullable: true, description: "Account as it now is." })
  account?: Account;
}

@Resolver()
export class UpdateAccount {
  @Mutation(() => UpdateAccountPayload, {
    nullable: true,
    description: "Changes an account's settings. Absent settings stay as they are.",
  })
  updateAccount(
    @Arg("input", () => UpdateAccountInput, { description: "Input of the mutation." })
    { accountId, ...changes }: UpdateAccountInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateAccountPayload> {
    return payload(async () => ({ account: await updateAccount(ctx, accountId, changes) }));
  }
}
