import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Account } from "../../entities/Account";
import { createAccount } from "../../operations/accounts/createAccount";
import { Payload, payload } from "../payload";

@InputType({ description: "What `createAccount` takes." })
class CreateAccountInput {
  @Field(() => String, { description: "Name of the account. At most 255 bytes." })
  name: string;
}

@ObjectType({ description: "What `createAccount` answers." })
class CreateAccountPayload extends Payload {
  @Field(() => Account, { nullable: true, description: "Account that was created." })
  account?: Account;
}

@Resolver()
export class CreateAccount {
  @Mutation(() => CreateAccountPayload, {
    nullable: true,
    description: "Creates an account with you as its first administrator.",
  })
  createAccount(
    @Arg("input", () => CreateAccountInput, { description: "Input of the mutation." })
    { name }: CreateAccountInput,
    @Ctx() ctx: Context,
  ): Promise<CreateAccountPayload> {
    return payload(async () => ({ account: await createAccount(ctx, name) }));
  }
}
