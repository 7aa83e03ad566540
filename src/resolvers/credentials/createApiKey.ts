import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { ApiKey } from "../../entities/Credential";
import { createApiKey } from "../../operations/credentials/createApiKey";
import { CreateCredentialInput } from "../createCredentialInput";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `createApiKey` takes." })
class CreateApiKeyInput extends CreateCredentialInput {
  @Field(() => String, {
    nullable: true,
    description: "Free text for data of your own. At most 4,096 bytes.",
  })
  @MaxBytes(4096)
  metadata?: string | null;
}

@ObjectType({ description: "What `createApiKey` answers." })
class CreateApiKeyPayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: "API key that was created." })
  apiKey?: ApiKey;

  @Field(() => String, { nullable: true, description: "Its secret, which only this answer has." })
  secret?: string;
}

@Resolver()
export class CreateApiKey {
  @Mutation(() => CreateApiKeyPayload, {
    nullable: true,
    description: "Creates an API key. In a session, takes a proof of the last 15 minutes.",
  })
  createApiKey(
    @Arg("input", () => CreateApiKeyInput, { description: "Input of the mutation." })
    { accountId, ...input }: CreateApiKeyInput,
    @Ctx() ctx: Context,
  ): Promise<CreateApiKeyPayload> {
    return payload(async () => {
      const { credential: apiKey, secret } = await createApiKey(ctx, accountId, input);
      return { apiKey, secret };
    });
  }
}
