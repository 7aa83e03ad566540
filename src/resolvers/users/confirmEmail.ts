import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { User } from "../../entities/User";
import { confirmEmail } from "../../operations/users/confirmEmail";
import { Payload, payload } from "../payload";

@InputType({ description: "What `confirmEmail` takes." })
class ConfirmEmailInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;
}

@ObjectType({ description: "What `confirmEmail` answers." })
class ConfirmEmailPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User with their new address." })
  user?: User;
}

@Resolver()
export class ConfirmEmail {
  @Mutation(() => ConfirmEmailPayload, {
    nullable: true,
    description: "Changes your email to the address that the link was mailed to.",
  })
  confirmEmail(
    @Arg("input", () => ConfirmEmailInput, { description: "Input of the mutation." })
    { token }: ConfirmEmailInput,
    @Ctx() ctx: Context,
  ): Promise<ConfirmEmailPayload> {
    return payload(async () => ({ user: await confirmEmail(ctx, token) }));
  }
}
