import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { Credential, CredentialStatus } from "../entities/Credential";
import { Membership } from "../entities/Membership";
import { PrincipalInterface } from "../entities/PrincipalInterface";
import { ServiceUser } from "../entities/ServiceUser";
import { User } from "../entities/User";
import { relations } from "../reads/relations";
import { resolveCan } from "./resolveRelations";

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
  @FieldResolver(() => PrincipalInterface, {
    nullable: true,
    description: "User or service user who owns it; null after they have left the account.",
  })
  async owner(
    @Root() credential: Credential,
    @Ctx() ctx: Context,
  ): Promise<PrincipalInterface | null> {
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
    // The same row, with the owner's roles that the rules need (C11).
    const whole = (await ctx.loaders.rowIn(Credential, credential, credential.id))!;
    return resolveCan(relations.Credential.can, ctx, whole);
  }
}
