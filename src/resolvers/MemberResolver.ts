import { Args, Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import type { Credential } from "../entities/Credential";
import { Membership } from "../entities/Membership";
import { User } from "../entities/User";
import { relations } from "../reads/relations";
import { CredentialConnection } from "./AccountResolver";
import { type Connection, OrderedPageArgs } from "./pagination";
import { resolveCan, resolveOne, resolvePage } from "./resolveRelations";
import { MemberRoles } from "./memberRoles";

@ObjectType({ description: "What you may do with a member." })
class MemberPermissions {
  @Field(() => Boolean, { description: "Indicates whether you may change their roles." })
  updateRoles: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may disable them." })
  disable: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may enable them." })
  enable: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may remove them." })
  remove: boolean;

  @Field(() => Boolean, { description: "Indicates whether they are you, and you may leave." })
  leave: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may create credentials of theirs." })
  createCredential: boolean;
}

@Resolver(() => Membership)
export class MemberResolver {
  @FieldResolver(() => User, { description: "Person the member is." })
  user(@Root() member: Membership, @Ctx() ctx: Context): Promise<User | null> {
    return resolveOne(relations.Member.user, ctx, member);
  }

  @FieldResolver(() => MemberRoles, { description: "Roles of the member in the account." })
  roles(@Root() member: Membership): MemberRoles {
    return member;
  }

  @FieldResolver(() => CredentialConnection, { description: "Credentials that the member owns." })
  credentials(
    @Root() member: Membership,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Credential>> {
    return resolvePage(relations.Member.credentials, ctx, args, member);
  }

  @FieldResolver(() => MemberPermissions, { description: "What you may do with the member." })
  can(@Root() member: Membership, @Ctx() ctx: Context): Promise<MemberPermissions> {
    return resolveCan(relations.Member.can, ctx, member);
  }
}
