import { Ctx, Field, Int, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { endOtherSessions } from "../../operations/sessions/endOtherSessions";
import { Payload, payload } from "../payload";

@ObjectType({ description: "What `endOtherSessions` answers." })
class EndOtherSessionsPayload extends Payload {
  @Field(() => Int, { nullable: true, description: "How many sessions were ended." })
  endedCount?: number;
}

@Resolver()
export class EndOtherSessions {
  @Mutation(() => EndOtherSessionsPayload, {
    nullable: true,
    description: "Ends all your sessions but that of this request.",
  })
  endOtherSessions(@Ctx() ctx: Context): Promise<EndOtherSessionsPayload> {
    return payload(async () => ({ endedCount: (await endOtherSessions(ctx)).length }));
  }
}
