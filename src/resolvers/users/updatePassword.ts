import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { User } from "../../entities/User";
import { updatePassword } from "../../operations/users/updatePassword";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `updatePassword` takes." })
class UpdatePasswordInput {
  @Field(() => String, { description: "Current password." })
  @MaxBytes(PASSWORD_BYTES)
  currentPassword: string;

  @Field(() => String, {
    description: "New password: 12 to 256 characters that are not easy to guess.",
  })
  @MaxBytes(PASSWORD_BYTES)
  newPassword: string;
}

@ObjectType({ description: "What `updatePassword` answers." })
class UpdatePasswordPayload extends Payload {
  @Field(() => User, { nullable: true, description: "User whose password was changed." })
  user?: User;
}

@Resolver()
export class UpdatePassword {
  @Mutation(() => UpdatePasswordPayload, {
    nullable: true,
    description: "Changes your password, and ends all your sessions but that of this request.",
  })
  updatePassword(
    @Arg("input", () => UpdatePasswordInput, { description: "Input of the mutation." })
    { currentPassword, newPassword }: UpdatePasswordInput,
    @Ctx() ctx: Context,
  ): Promise<UpdatePasswordPayload> {
    return payload(async () => ({ user: await updatePassword(ctx, currentPassword, newPassword) }));
  }
}
