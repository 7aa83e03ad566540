import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { requestPasswordReset } from "../../operations/users/requestPasswordReset";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `requestPasswordReset` takes." })
class RequestPasswordResetInput {
  @Field(() => String, { description: "Email address of the user." })
  @MaxBytes(254)
  email: string;
}

@ObjectType({ description: "What `requestPasswordReset` answers." })
class RequestPasswordResetPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;
}

@Resolver()
export class RequestPasswordReset {
  @Mutation(() => RequestPasswordResetPayload, {
    nullable: true,
    description:
      "Mails a link to choose a new password with. The answer is the same whether or not the email has a user.",
  })
  requestPasswordReset(
    @Arg("input", () => RequestPasswordResetInput, { description: "Input of the mutation." })
    input: RequestPasswordResetInput,
    @Ctx() ctx: Context,
  ): Promise<RequestPasswordResetPayload> {
    return payload(async () => ({ email: await requestPasswordReset(ctx, input.email) }));
  }
}
