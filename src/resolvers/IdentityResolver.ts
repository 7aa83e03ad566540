import { Ctx, Field, ObjectType, Query, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { Identity, SocialProvider } from "../entities/Identity";

@ObjectType({ description: "A provider through whom people sign in to this server." })
class SocialProviderInfo {
  @Field(() => SocialProvider, { description: "Which one it is." })
  provider: SocialProvider;

  @Field(() => String, { description: "Name to put on a button." })
  name: string;

  @Field(() => String, {
    description: "URL to navigate to, with `?returnTo=` and a path of yours to come back to.",
  })
  startUrl: string;
}

@Resolver(() => Identity)
export class IdentityResolver {
  @Query(() => [SocialProviderInfo], {
    description:
      "Providers through whom people sign in to this server; nobody has to be signed in.",
  })
  socialProviders(@Ctx() { services }: Context): readonly SocialProviderInfo[] {
    return services.social;
  }
}
