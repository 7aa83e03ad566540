import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { reauthenticate } from "../../operations/sessions/reauthenticate";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";
import { deliverSession, SessionTransport } from "../sessionPayload";

@InputType({ description: "What `reauthenticate` takes." })
class ReauthenticateInput {
  @Field(() => String, {
    nullable: true,
    description: "Password of the user, where they have one.",
  })
  @MaxBytes(PASSWORD_BYTES)
  password?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Code of the authenticator app, or a recovery code, where the second factor is on.",
  })
  @MaxBytes(64)
  code?: string | null;
}

@ObjectType({ description: "What `reauthenticate` answers." })
class ReauthenticatePayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session as it now is." })
  session?: Session;

  @Field(() => String, {
    nullable: true,
    description: "New token of the session, shown this once; null when it went into the cookie.",
  })
  token?: string | null;
}

@Resolver()
export class Reauthenticate {
  @Mutation(() => ReauthenticatePayload, {
    nullable: true,
    description:
      "Proves again that it is you, for changes that take a proof of the last 15 minutes. The session " +
      "gets a new token: in the cookie if the old one came in it, else in the answer.",
  })
  reauthenticate(
    @Arg("input", () => ReauthenticateInput, { description: "Input of the mutation." })
    { password = null, code = null }: ReauthenticateInput,
    @Ctx() ctx: Context,
  ): Promise<ReauthenticatePayload> {
    return payload(async () => {
      const transport = ctx.browser.sentSession ? SessionTransport.COOKIE : SessionTransport.BEARER;
      return deliverSession(ctx, transport, await reauthenticate(ctx, { password, code }));
    });
  }
}
