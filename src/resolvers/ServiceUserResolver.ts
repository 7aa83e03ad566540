import { Args, Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Context } from "../context";
import { Credential } from "../entities/Credential";
import { ServiceUser } from "../entities/ServiceUser";
import { CredentialConnection } from "./AccountResolver";
import { type Connection, OrderedPageArgs, page } from "./pagination";

@ObjectType({ description: "What you may do with a service user." })
class ServiceUserPermissions {
  @Field(() => Boolean, { description: "Indicates whether you may create credentials of its own." })
  createCredential: boolean;
}

@Resolver(() => ServiceUser)
export class ServiceUserResolver {
  @FieldResolver(() => CredentialConnection, {
    description: "Credentials that the service user owns.",
  })
  async credentials(
    @Root() { accountId, id }: ServiceUser,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Credential>> {
    return page(ctx, await ctx.in(accountId), Credential, "serviceUserId", id, args);
  }

  @FieldResolver(() => ServiceUserPermissions, {
    description: "What you may do with the service user.",
  })
  async can(
    @Root() { accountId, id: serviceUserId }: ServiceUser,
    @Ctx() ctx: Context,
  ): Promise<ServiceUserPermissions> {
    const its = Object.assign(new Credential(), { accountId, membershipId: null, serviceUserId });
    return { createCredential: (await ctx.in(accountId)).can("create", its) };
  }
}
