import {
  Arg,
  Ctx,
  Field,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import type { Context } from "../context/context";
import { Identity, SocialProvider } from "../entities/Identity";
import { linkIdentity } from "../operations/identities/linkIdentity";
import { unlinkIdentity } from "../operations/identities/unlinkIdentity";
import { Payload, payload } from "./payload";

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

@InputType({ description: "What `linkIdentity` takes." })
class LinkIdentityInput {
  @Field(() => SocialProvider, { description: "Provider to link who you are at." })
  provider: SocialProvider;

  @Field(() => String, {
    description: "Path of the frontend to come back to, of at most 1,024 bytes.",
  })
  returnTo: string;
}

@ObjectType({ description: "What `linkIdentity` answers." })
class LinkIdentityPayload extends Payload {
  @Field(() => String, {
    nullable: true,
    description: "URL to navigate to, in this browser and within ten minutes.",
  })
  url?: string;
}

@InputType({ description: "What `unlinkIdentity` takes." })
class UnlinkIdentityInput {
  @Field(() => ID, { description: "ID of the identity to unlink." })
  identityId: string;
}

@ObjectType({ description: "What `unlinkIdentity` answers." })
class UnlinkIdentityPayload extends Payload {
  @Field(() => Identity, { nullable: true, description: "Identity that was unlinked." })
  identity?: Identity;
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

  @Mutation(() => LinkIdentityPayload, {
    nullable: true,
    description:
      "Begins to link who you are at a provider, to sign in with it. Takes a proof of the last 15 minutes.",
  })
  linkIdentity(
    @Arg("input", () => LinkIdentityInput, { description: "What to do, and with what." })
    { provider, returnTo }: LinkIdentityInput,
    @Ctx() ctx: Context,
  ): Promise<LinkIdentityPayload> {
    return payload(async () => {
      const { url, secret } = await linkIdentity(ctx, provider, returnTo);
      ctx.browser.keepFlow(secret);
      return { url };
    });
  }

  @Mutation(() => UnlinkIdentityPayload, {
    nullable: true,
    description:
      "Unlinks an identity, unless it is your last way to sign in. Takes a proof of the last 15 minutes.",
  })
  unlinkIdentity(
    @Arg("input", () => UnlinkIdentityInput, { description: "What to do, and with what." })
    { identityId }: UnlinkIdentityInput,
    @Ctx() ctx: Context,
  ): Promise<UnlinkIdentityPayload> {
    return payload(async () => ({ identity: await unlinkIdentity(ctx, identityId) }));
  }
}
