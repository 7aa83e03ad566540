import { Arg, Ctx, Field, ID, InputType, Mutation, ObjectType, Resolver } from "type-graphql";
import type { Context } from "../../context/context";
import { Credential } from "../../entities/Credential";
import { updateCredential } from "../../operations/credentials/updateCredential";
import { MaxBytes } from "../maxBytes";
import { Payload, payload } from "../payload";

@InputType({ description: "What `updateCredential` takes." })
class UpdateCredentialInput {
  @Field(() => ID, { description: "ID of the credential to change." })
  credentialId: string;

  @Field(() => String, { nullable: true, description: "What it is for. At most 255 bytes." })
  description?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Free text for data of your own. At most 4,096 bytes.",
  })
  @MaxBytes(4096)
  metadata?: string | null;
}

@ObjectType({ description: "What `updateCredential` answers." })
class UpdateCredentialPayload extends Payload {
  @Field(() => Credential, { nullable: true, description: "Credential as it now is." })
  credential?: Credential;
}

@Resolver()
export class UpdateCredential {
  @Mutation(() => UpdateCredentialPayload, {
    nullable: true,
    description:
      "Changes a credential's description and metadata. Its owner and its secret never change.",
  })
  updateCredential(
    @Arg("input", () => UpdateCredentialInput, { description: "Input of the mutation." })
    { credentialId, ...wanted }: UpdateCredentialInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateCredentialPayload> {
    return payload(async () => ({ credential: await updateCredential(ctx, credentialId, wanted) }));
  }
}
