import { Ctx, Field, ObjectType, Query, Resolver } from "type-graphql";
import type { Context } from "../context/context";
import { Identity, SocialProvider } from "../entities/Identity";

@ObjectType({ description: "A provider through which people sign in to this server." })
class SocialProviderInfo {
  @Field(() => SocialProvider, { description: "The provider." })
  provider: SocialProvider;

  @Field(() => String, { description: "Name to put on a button." })
  name: string;

  @Field(() => String, {
    description:
      "URL to navigate to, with `?returnTo=` and the path of the frontend to come back to.",
  })
  startUrl: string;
}

@Resolver(() => Identity)
export class IdentityResolver {
  @Query(() => [SocialProviderInfo], {
    description:
      "Providers through which people sign in to this server. The query takes no session.",
  })
  socialProviders(@Ctx() { services }: Context): readonly SocialProviderInfo[] {
    return services.social;
  }
}
