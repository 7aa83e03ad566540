import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { User } from "../../entities/User";
import { setPassword } from "../../operations/users/setPassword";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `setPassword` takes." })
class SetPasswordInput {
  @Field(() => String, {
    description: "New password: 12 to 256 characters that are not easy to guess.",
  })
  @MaxBytes(PASSWORD_BYTES)
  newPassword: string;
}

@ObjectType({ description: "What `setPassword` answers." })
class SetPasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was set." })
  user?: User;
}

@Resolver()
export class SetPassword {
  @Mutation(() => SetPasswordPayload, {
    nullable: true,
    description:
      "Sets your first password, where you sign in without one. Takes a proof of the last 15 minutes.",
  })
  setPassword(
    @Arg("input", () => SetPasswordInput, { description: "Input of the mutation." })
    { newPassword }: SetPasswordInput,
    @Ctx() ctx: Context,
  ): Promise<SetPasswordPayload> {
    return payload(async () => ({ user: await setPassword(ctx, newPassword) }));
  }
}
