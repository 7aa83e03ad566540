import { Ctx, FieldResolver, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { Session } from "../entities/Session";

@Resolver(() => Session)
export class SessionResolver {
  @FieldResolver(() => Boolean, { description: "Indicates whether this request came with it." })
  current(@Root() { id }: Session, @Ctx() { principal }: Context): boolean {
    return principal.sessionId === id;
  }
}
