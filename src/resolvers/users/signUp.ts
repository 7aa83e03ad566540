import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { signUp } from "../../operations/users/signUp";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `signUp` takes." })
class SignUpInput {
  @Field(() => String, { description: "Email address of the new user." })
  @MaxBytes(254)
  email: string;

  @Field(() => String, { description: "Password, of 12 to 256 characters." })
  @MaxBytes(PASSWORD_BYTES)
  password: string;

  @Field(() => String, { description: "Name of the new user, in their own words." })
  name: string;
}

@ObjectType({ description: "What `signUp` answers." })
class SignUpPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;

  @Field(() => ID, { nullable: true, description: "ID of the sign-up, for `resendVerification`." })
  signUpId?: string;
}

@Resolver()
export class SignUp {
  @Mutation(() => SignUpPayload, {
    nullable: true,
    description:
      "Signs up with an email and a password. The user is created when the mailed link is confirmed (`verifyEmail`).",
  })
  signUp(
    @Arg("input", () => SignUpInput, { description: "Input of the mutation." })
    input: SignUpInput,
    @Ctx() ctx: Context,
  ): Promise<SignUpPayload> {
    return payload(async () => signUp(ctx, input));
  }
}
