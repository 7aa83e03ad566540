import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { reauthenticate } from "../../operations/sessions/reauthenticate";
import { MaxBytes, PASSWORD_BYTES } from "../maxBytes";
import { Payload, payload } from "../payload";
import { deliverSession, SessionTransport } from "../sessionPayload";

@InputType({ description: "What `reauthenticate` takes." })
class ReauthenticateInput {
  @Field(() => String, { nullable: true, description: "Password of the user, who has one." })
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
      "Proves again that it is you, for what takes a proof of the last 15 minutes. The session " +
      "goes on under a new token, in the cookie or in the answer, as it came.",
  })
  reauthenticate(
    @Arg("input", () => ReauthenticateInput, { description: "What to do, and with what." })
    { password = null, code = null }: ReauthenticateInput,
    @Ctx() ctx: Context,
  ): Promise<ReauthenticatePayload> {
    return payload(async () => {
      const transport = ctx.browser.sentSession ? SessionTransport.COOKIE : SessionTransport.BEARER;
      return deliverSession(ctx, transport, await reauthenticate(ctx, { password, code }));
    });
  }
}
