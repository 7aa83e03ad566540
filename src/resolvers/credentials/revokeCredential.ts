import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Credential } from "../../entities/Credential";
import { revokeCredential } from "../../operations/credentials/revokeCredential";
import { Payload, payload } from "../payload";

@InputType({ description: "What `revokeCredential` takes." })
class RevokeCredentialInput {
  @Field(() => ID, { description: "ID of the credential to revoke." })
  credentialId: string;
}

@ObjectType({ description: "What `revokeCredential` answers." })
class RevokeCredentialPayload extends Payload {
  @Field(() => Credential, { nullable: true, description: "Credential as it now is." })
  credential?: Credential;
}

@Resolver()
export class RevokeCredential {
  @Mutation(() => RevokeCredentialPayload, {
    nullable: true,
    description: "Revokes a credential for good. It stays listed as revoked.",
  })
  revokeCredential(
    @Arg("input", () => RevokeCredentialInput, { description: "Input of the mutation." })
    { credentialId }: RevokeCredentialInput,
    @Ctx() ctx: Context,
  ): Promise<RevokeCredentialPayload> {
    return payload(async () => ({ credential: await revokeCredential(ctx, credentialId) }));
  }
}
