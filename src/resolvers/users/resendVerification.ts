import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { resendVerification } from "../../operations/users/resendVerification";
import { Payload, payload } from "../payload";

@InputType({ description: "What `resendVerification` takes." })
class ResendVerificationInput {
  @Field(() => ID, { description: "ID of the sign-up that `signUp` returned." })
  signUpId: string;
}

@ObjectType({ description: "What `resendVerification` answers." })
class ResendVerificationPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the sign-up." })
  signUpId?: string;
}

@Resolver()
export class ResendVerification {
  @Mutation(() => ResendVerificationPayload, {
    nullable: true,
    description: "Mails a new link for a sign-up, and voids the old one.",
  })
  resendVerification(
    @Arg("input", () => ResendVerificationInput, { description: "Input of the mutation." })
    input: ResendVerificationInput,
    @Ctx() ctx: Context,
  ): Promise<ResendVerificationPayload> {
    return payload(async () => ({ signUpId: await resendVerification(ctx, input.signUpId) }));
  }
}
