import { Args, Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import type { Credential } from "../entities/Credential";
import { ServiceUser } from "../entities/ServiceUser";
import { relations } from "../reads/relations";
import { CredentialConnection } from "./AccountResolver";
import { resolveCan, resolvePage } from "./resolveRelations";
import { type Connection, OrderedPageArgs } from "./pagination";

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
  credentials(
    @Root() serviceUser: ServiceUser,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Credential>> {
    return resolvePage(relations.ServiceUser.credentials, ctx, args, serviceUser);
  }

  @FieldResolver(() => ServiceUserPermissions, {
    description: "What you may do with the service user.",
  })
  can(@Root() serviceUser: ServiceUser, @Ctx() ctx: Context): Promise<ServiceUserPermissions> {
    return resolveCan(relations.ServiceUser.can, ctx, serviceUser);
  }
}
