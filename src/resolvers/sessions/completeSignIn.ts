import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { completeSignIn } from "../../operations/sessions/completeSignIn";
import { MaxBytes } from "../maxBytes";
import { payload } from "../payload";
import { deliverSessionOrChallenge, OpenedPayload, SessionTransport } from "../sessionPayload";

@InputType({ description: "What `completeSignIn` takes." })
class CompleteSignInInput {
  @Field(() => String, { description: "Token of the challenge that `signIn` returned." })
  challenge: string;

  @Field(() => String, { description: "Code of the authenticator app, or a recovery code." })
  @MaxBytes(64)
  code: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How the client keeps the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `completeSignIn` answers." })
class CompleteSignInPayload extends OpenedPayload {}

@Resolver()
export class CompleteSignIn {
  @Mutation(() => CompleteSignInPayload, {
    nullable: true,
    description: "Opens the session of a user who was asked for their second factor.",
  })
  completeSignIn(
    @Arg("input", () => CompleteSignInInput, { description: "Input of the mutation." })
    { challenge, code, transport }: CompleteSignInInput,
    @Ctx() ctx: Context,
  ): Promise<CompleteSignInPayload> {
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await completeSignIn(ctx, challenge, code)),
    );
  }
}
