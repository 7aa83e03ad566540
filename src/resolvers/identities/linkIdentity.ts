import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { SocialProvider } from "../../entities/Identity";
import { linkIdentity } from "../../operations/identities/linkIdentity";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `linkIdentity` takes." })
class LinkIdentityInput {
  @Field(() => SocialProvider, { description: "Provider of the identity to link." })
  provider: SocialProvider;

  @Field(() => String, {
    description: "Path of the frontend to come back to, of at most 1,024 bytes.",
  })
  @MaxBytes(1024)
  returnTo: string;
}

@ObjectType({ description: "What `linkIdentity` answers." })
class LinkIdentityPayload extends Payload {
  @Field(() => String, {
    nullable: true,
    description: "URL to navigate to, in this browser and session and within ten minutes.",
  })
  url?: string;
}

@Resolver()
export class LinkIdentity {
  @Mutation(() => LinkIdentityPayload, {
    nullable: true,
    description:
      "Begins to link your identity at a provider, to sign in with it. Takes a session in the cookie, and a proof of the last 15 minutes.",
  })
  linkIdentity(
    @Arg("input", () => LinkIdentityInput, { description: "Input of the mutation." })
    { provider, returnTo }: LinkIdentityInput,
    @Ctx() ctx: Context,
  ): Promise<LinkIdentityPayload> {
    return payload(async () => {
      const { url, secret } = await linkIdentity(ctx, provider, returnTo);
      ctx.browser.keepFlow(secret);
      return { url };
    });
  }
}
