import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { User } from "../../entities/User";
import { resetPassword } from "../../operations/users/resetPassword";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `resetPassword` takes." })
class ResetPasswordInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;

  @Field(() => String, { description: "New password, of 12 to 256 characters." })
  @MaxBytes(PASSWORD_BYTES)
  newPassword: string;
}

@ObjectType({ description: "What `resetPassword` answers." })
class ResetPasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was set." })
  user?: User;
}

@Resolver()
export class ResetPassword {
  @Mutation(() => ResetPasswordPayload, {
    nullable: true,
    description:
      "Sets a new password with the token of a mailed link, and ends all sessions of the user.",
  })
  resetPassword(
    @Arg("input", () => ResetPasswordInput, { description: "Input of the mutation." })
    input: ResetPasswordInput,
    @Ctx() ctx: Context,
  ): Promise<ResetPasswordPayload> {
    return payload(async () => ({
      user: await resetPassword(ctx, input.token, input.newPassword),
    }));
  }
}
