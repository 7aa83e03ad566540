import { Ctx, Field, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Session } from "../../entities/Session";
import { signOut } from "../../operations/sessions/signOut";
import { Payload, payload } from "../payload";

@ObjectType({ description: "What `signOut` answers." })
class SignOutPayload extends Payload {
  @Field(() => Session, { nullable: true, description: "Session that was ended." })
  session?: Session;
}

@Resolver()
export class SignOut {
  @Mutation(() => SignOutPayload, {
    nullable: true,
    description: "Ends the session of this request.",
  })
  signOut(@Ctx() ctx: Context): Promise<SignOutPayload> {
    return payload(async () => {
      const session = await signOut(ctx);
      ctx.browser.forgetSession();
      return { session };
    });
  }
}
