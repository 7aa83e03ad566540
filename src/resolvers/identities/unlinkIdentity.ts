import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Identity } from "../../entities/Identity";
import { unlinkIdentity } from "../../operations/identities/unlinkIdentity";
import { Payload, payload } from "../payload";

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

@Resolver()
export class UnlinkIdentity {
  @Mutation(() => UnlinkIdentityPayload, {
    nullable: true,
    description:
      "Unlinks an identity, unless it is your last way to sign in. Takes a proof of the last 15 minutes.",
  })
  unlinkIdentity(
    @Arg("input", () => UnlinkIdentityInput, { description: "Input of the mutation." })
    { identityId }: UnlinkIdentityInput,
    @Ctx() ctx: Context,
  ): Promise<UnlinkIdentityPayload> {
    return payload(async () => ({ identity: await unlinkIdentity(ctx, identityId) }));
  }
}
