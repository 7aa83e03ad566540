import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { endSession } from "../../operations/sessions/endSession";
import { Payload, payload } from "../payload";

@InputType({ description: "What `endSession` takes." })
class EndSessionInput {
  @Field(() => ID, { description: "ID of the session to end." })
  sessionId: string;
}

@ObjectType({ description: "What `endSession` answers." })
class EndSessionPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was ended." })
  session?: Session;
}

@Resolver()
export class EndSession {
  @Mutation(() => EndSessionPayload, {
    nullable: true,
    description: "Ends a session of yours. From then on it opens nothing.",
  })
  endSession(
    @Arg("input", () => EndSessionInput, { description: "Input of the mutation." })
    { sessionId }: EndSessionInput,
    @Ctx() ctx: Context,
  ): Promise<EndSessionPayload> {
    return payload(async () => {
      const session = await endSession(ctx, sessionId);
      if (session.id === ctx.principal.sessionId) ctx.browser.forgetSession();
      return { session };
    });
  }
}
