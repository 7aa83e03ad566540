import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  GraphQLISODateTime,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from "type-graphql";
import type { Context } from "../context/context";
import { ApiKey, Authtoken, Credential, CredentialStatus } from "../entities/Credential";
import { Membership } from "../entities/Membership";
import { Principal } from "../entities/Principal";
import { ServiceUser } from "../entities/ServiceUser";
import { User } from "../entities/User";
import { relations } from "../reads/relations";
import { can } from "./resolveRelations";
import { createApiKey } from "../operations/credentials/createApiKey";
import { createAuthtoken } from "../operations/credentials/createAuthtoken";
import { revokeCredential } from "../operations/credentials/revokeCredential";
import { updateCredential } from "../operations/credentials/updateCredential";
import { Payload, payload } from "./payload";

@InputType()
abstract class CreateCredentialInput {
  @Field(() => ID, { description: "ID of the account it is for." })
  accountId: string;

  @Field(() => ID, {
    nullable: true,
    description: "ID of the member or service user who owns it; you, where absent.",
  })
  ownerId?: string | null;

  @Field(() => String, { nullable: true, description: "What it is for. At most 255 bytes." })
  description?: string | null;

  @Field(() => String, { nullable: true, description: "Data of your own. At most 4,096 bytes." })
  metadata?: string | null;

  @Field(() => GraphQLISODateTime, {
    nullable: true,
    description: "When it stops working by itself; never, where absent.",
  })
  expiresAt?: Date | null;
}

@InputType({ description: "What `createApiKey` takes." })
class CreateApiKeyInput extends CreateCredentialInput {}

@InputType({ description: "What `createAuthtoken` takes." })
class CreateAuthtokenInput extends CreateCredentialInput {}

@ObjectType({ description: "What `createApiKey` answers." })
class CreateApiKeyPayload extends Payload {
  @Field(() => ApiKey, { nullable: true, description: "API key that was created." })
  apiKey?: ApiKey;

  @Field(() => String, { nullable: true, description: "Its secret, shown this once." })
  secret?: string;
}

@ObjectType({ description: "What `createAuthtoken` answers." })
class CreateAuthtokenPayload extends Payload {
  @Field(() => Authtoken, { nullable: true, description: "Authtoken that was created." })
  authtoken?: Authtoken;

  @Field(() => String, { nullable: true, description: "Its secret, shown this once." })
  secret?: string;
}

@InputType({ description: "What `updateCredential` takes." })
class UpdateCredentialInput {
  @Field(() => ID, { description: "ID of the credential to change." })
  credentialId: string;

  @Field(() => String, { nullable: true, description: "What it is for. At most 255 bytes." })
  description?: string | null;

  @Field(() => String, { nullable: true, description: "Data of your own. At most 4,096 bytes." })
  metadata?: string | null;
}

@ObjectType({ description: "What `updateCredential` answers." })
class UpdateCredentialPayload extends Payload {
  @Field(() => Credential, { nullable: true, description: "Credential as it now is." })
  credential?: Credential;
}

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

@ObjectType({ description: "What you may do with a credential." })
class CredentialPermissions {
  @Field(() => Boolean, {
    description: "Indicates whether you may change its description and metadata.",
  })
  update: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may revoke it." })
  revoke: boolean;
}

@Resolver(() => Credential)
export class CredentialResolver {
  @FieldResolver(() => Principal, {
    nullable: true,
    description: "User or service user it stands for; null once they have left the account.",
  })
  async owner(@Root() credential: Credential, @Ctx() ctx: Context): Promise<Principal | null> {
    const { membershipId, serviceUserId } = credential;
    if (serviceUserId) {
      const serviceUser = await ctx.loaders.rowIn(ServiceUser, credential, serviceUserId);
      return serviceUser?.deletedAt ? null : serviceUser;
    }
    const member = await ctx.loaders.rowIn(Membership, credential, membershipId!);
    return !member || member.removedAt ? null : ctx.loaders.row(User, member.userId);
  }

  @FieldResolver(() => CredentialStatus, { description: "Whether it can be used." })
  async status(@Root() credential: Credential, @Ctx() ctx: Context): Promise<CredentialStatus> {
    if (credential.revokedAt) return CredentialStatus.REVOKED;
    if (credential.expiresAt && credential.expiresAt <= new Date()) return CredentialStatus.EXPIRED;
    const { ownerDisabled } = (await ctx.loaders.rowIn(Credential, credential, credential.id))!;
    return ownerDisabled ? CredentialStatus.OWNER_DISABLED : CredentialStatus.ACTIVE;
  }

  @FieldResolver(() => CredentialPermissions, { description: "What you may do with it." })
  async can(@Root() credential: Credential, @Ctx() ctx: Context): Promise<CredentialPermissions> {
    // The same row with what its owner may do, which the rules look at (C11).
    const whole = (await ctx.loaders.rowIn(Credential, credential, credential.id))!;
    return can(relations.Credential.can, ctx, whole);
  }

  @Mutation(() => CreateApiKeyPayload, { nullable: true, description: "Creates an API key." })
  createApiKey(
    @Arg("input", () => CreateApiKeyInput, { description: "What to do, and with what." })
    { accountId, ...input }: CreateApiKeyInput,
    @Ctx() ctx: Context,
  ): Promise<CreateApiKeyPayload> {
    return payload(async () => {
      const { credential: apiKey, secret } = await createApiKey(ctx, accountId, input);
      return { apiKey, secret };
    });
  }

  @Mutation(() => CreateAuthtokenPayload, { nullable: true, description: "Creates an authtoken." })
  createAuthtoken(
    @Arg("input", () => CreateAuthtokenInput, { description: "What to do, and with what." })
    { accountId, ...input }: CreateAuthtokenInput,
    @Ctx() ctx: Context,
  ): Promise<CreateAuthtokenPayload> {
    return payload(async () => {
      const { credential: authtoken, secret } = await createAuthtoken(ctx, accountId, input);
      return { authtoken, secret };
    });
  }

  @Mutation(() => UpdateCredentialPayload, {
    nullable: true,
    description: "Changes what is given. Its owner and its secret never change.",
  })
  updateCredential(
    @Arg("input", () => UpdateCredentialInput, { description: "What to do, and with what." })
    { credentialId, ...wanted }: UpdateCredentialInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateCredentialPayload> {
    return payload(async () => ({ credential: await updateCredential(ctx, credentialId, wanted) }));
  }

  @Mutation(() => RevokeCredentialPayload, {
    nullable: true,
    description: "Ends a credential for good. It stays listed as revoked.",
  })
  revokeCredential(
    @Arg("input", () => RevokeCredentialInput, { description: "What to do, and with what." })
    { credentialId }: RevokeCredentialInput,
    @Ctx() ctx: Context,
  ): Promise<RevokeCredentialPayload> {
    return payload(async () => ({ credential: await revokeCredential(ctx, credentialId) }));
  }
}
