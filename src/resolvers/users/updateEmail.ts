import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { updateEmail } from "../../operations/users/updateEmail";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `updateEmail` takes." })
class UpdateEmailInput {
  @Field(() => String, { description: "Email address to sign in with from now on." })
  @MaxBytes(254)
  email: string;
}

@ObjectType({ description: "What `updateEmail` answers." })
class UpdateEmailPayload extends Payload {
  @Field(() => String, { nullable: true, description: "Email address that the mail goes to." })
  email?: string;
}

@Resolver()
export class UpdateEmail {
  @Mutation(() => UpdateEmailPayload, {
    nullable: true,
    description:
      "Mails a link to the address that you want to sign in with. Takes a proof of the last 15 minutes.",
  })
  updateEmail(
    @Arg("input", () => UpdateEmailInput, { description: "Input of the mutation." })
    { email }: UpdateEmailInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateEmailPayload> {
    return payload(async () => ({ email: await updateEmail(ctx, email) }));
  }
}
