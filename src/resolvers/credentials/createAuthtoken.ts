import { Arg, Ctx, Field, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Authtoken } from "../../entities/Credential";
import { createAuthtoken } from "../../operations/credentials/createAuthtoken";
import { CreateCredentialInput } from "../createCredentialInput";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `createAuthtoken` takes." })
class CreateAuthtokenInput extends CreateCredentialInput {
  @Field(() => String, {
    nullable: true,
    description: "Free text for data of your own. At most 4,096 bytes.",
  })
  @MaxBytes(4096)
  metadata?: string | null;
}

@ObjectType({ description: "What `createAuthtoken` answers." })
class CreateAuthtokenPayload extends Payload {
  @Field(() => Authtoken, { nullable: true, description: "Authtoken that was created." })
  authtoken?: Authtoken;

  @Field(() => String, { nullable: true, description: "Its secret, which only this answer has." })
  secret?: string;
}

@Resolver()
export class CreateAuthtoken {
  @Mutation(() => CreateAuthtokenPayload, {
    nullable: true,
    description: "Creates an authtoken. In a session, takes a proof of the last 15 minutes.",
  })
  createAuthtoken(
    @Arg("input", () => CreateAuthtokenInput, { description: "Input of the mutation." })
    { accountId, ...input }: CreateAuthtokenInput,
    @Ctx() ctx: Context,
  ): Promise<CreateAuthtokenPayload> {
    return payload(async () => {
      const { credential: authtoken, secret } = await createAuthtoken(ctx, accountId, input);
      return { authtoken, secret };
    });
  }
}
