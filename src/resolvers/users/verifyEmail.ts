import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { User } from "../../entities/User";
import { verifyEmail } from "../../operations/users/verifyEmail";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { payload } from "../payload";
import { deliverSessionOrChallenge, OpenedPayload, SessionTransport } from "../sessionPayload";

@InputType({ description: "What `verifyEmail` takes." })
class VerifyEmailInput {
  @Field(() => String, { description: "Token from the mailed link, after `#token=`." })
  token: string;

  @Field(() => String, { description: "Password of the sign-up." })
  @MaxBytes(PASSWORD_BYTES)
  password: string;

  @Field(() => SessionTransport, {
    defaultValue: SessionTransport.COOKIE,
    description: "How the client keeps the session.",
  })
  transport: SessionTransport;
}

@ObjectType({ description: "What `verifyEmail` answers." })
class VerifyEmailPayload extends OpenedPayload {
  @Field(() => User, {
    nullable: true,
    description: "User that was created.",
  })
  user?: User;
}

@Resolver()
export class VerifyEmail {
  @Mutation(() => VerifyEmailPayload, {
    nullable: true,
    description: "Confirms the email of a sign-up, which creates the user and signs them in.",
  })
  verifyEmail(
    @Arg("input", () => VerifyEmailInput, { description: "Input of the mutation." })
    input: VerifyEmailInput,
    @Ctx() ctx: Context,
  ): Promise<VerifyEmailPayload> {
    const { token, password, transport } = input;
    return payload(async () =>
      deliverSessionOrChallenge(ctx, transport, await verifyEmail(ctx, token, password)),
    );
  }
}
