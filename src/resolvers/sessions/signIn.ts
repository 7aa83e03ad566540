import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { signIn } from "../../operations/sessions/signIn";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { payload } from "../payload";
import { deliverSessionOrChallenge, OpenedPayload, SessionTransport } from "../sessionPayload";

@InputType({ description: "What `signIn` takes." })
class SignInInput {
  @Field(() => String, { description: "Email address of the user." })
  @MaxBytes(254)
  email: string;

  @Field(() => String, { description: "Password of the user." })
  @MaxBytes(PASSWORD_BYTES)
  password: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How the client keeps the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `signIn` answers." })
class SignInPayload extends OpenedPayload {}

@Resolver()
export class SignIn {
  @Mutation(() => SignInPayload, {
    nullable: true,
    description:
      "Opens a session with an email and its password, or asks for the second factor: `challenge`.",
  })
  signIn(
    @Arg("input", () => SignInInput, { description: "Input of the mutation." })
    { email, password, transport }: SignInInput,
    @Ctx() ctx: Context,
  ): Promise<SignInPayload> {
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await signIn(ctx, email, password)),
    );
  }
}
