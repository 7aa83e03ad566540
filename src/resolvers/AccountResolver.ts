import { Args, Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { Account } from "../entities/Account";
import { Credential } from "../entities/Credential";
import { Event } from "../entities/Event";
import { IPRestriction } from "../entities/IPRestriction";
import { Invitation } from "../entities/Invitation";
import { Membership } from "../entities/Membership";
import { ServiceUser } from "../entities/ServiceUser";
import { relations } from "../reads/relations";
import { CredentialsArgs, EventsArgs, MembersArgs } from "./filterInputs";
import { type Connection, connectionOf, OrderedPageArgs } from "./pagination";
import { resolveCan, resolveList, resolvePage } from "./resolveRelations";

@ObjectType({ description: "What you may do with an account." })
class AccountPermissions {
  @Field(() => Boolean, { description: "Indicates whether you may change its settings." })
  update: boolean;

  @Field(() => Boolean, {
    description: "Indicates whether you may change how members get into it. An API key may not.",
  })
  updateSignInPolicy: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may delete it. An API key may not." })
  delete: boolean;

  @Field(() => Boolean, {
    description: "Indicates whether you may create credentials of your own in it.",
  })
  createCredential: boolean;

  @Field(() => Boolean, { description: "Indicates whether you see its invitations." })
  seeInvitations: boolean;

  @Field(() => Boolean, { description: "Indicates whether you see its IP restrictions." })
  seeIPRestrictions: boolean;

  @Field(() => Boolean, {
    description:
      "Indicates whether you see all of its events; if not, you see those of your own actions.",
  })
  seeAllEvents: boolean;
}

const MemberConnection = connectionOf("Member", Membership);

const ServiceUserConnection = connectionOf("ServiceUser", ServiceUser);

export const CredentialConnection = connectionOf("Credential", Credential);

const InvitationConnection = connectionOf("Invitation", Invitation);

const EventConnection = connectionOf("Event", Event);

@Resolver(() => Account)
export class AccountResolver {
  @FieldResolver(() => MemberConnection, {
    description: "Members of the account, disabled ones included.",
  })
  members(
    @Root() account: Account,
    @Args(() => MembersArgs) args: MembersArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Membership>> {
    return resolvePage(relations.Account.members, ctx, args, account);
  }

  @FieldResolver(() => ServiceUserConnection, { description: "Service users of the account." })
  serviceUsers(
    @Root() account: Account,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<ServiceUser>> {
    return resolvePage(relations.Account.serviceUsers, ctx, args, account);
  }

  @FieldResolver(() => CredentialConnection, {
    description: "Credentials of the account, revoked ones included.",
  })
  credentials(
    @Root() account: Account,
    @Args(() => CredentialsArgs) args: CredentialsArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Credential>> {
    return resolvePage(relations.Account.credentials, ctx, args, account);
  }

  @FieldResolver(() => InvitationConnection, {
    description: "Invitations to the account; only for members who may invite.",
  })
  invitations(
    @Root() account: Account,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Invitation>> {
    return resolvePage(relations.Account.invitations, ctx, args, account);
  }

  @FieldResolver(() => [IPRestriction], {
    description:
      "IP restrictions of the account, at most one for each surface; only for administrators.",
  })
  ipRestrictions(@Root() account: Account, @Ctx() ctx: Context): Promise<IPRestriction[]> {
    return resolveList(relations.Account.ipRestrictions, ctx, account);
  }

  @FieldResolver(() => EventConnection, {
    description: "Events of the account that you may see, newest first.",
  })
  events(
    @Root() account: Account,
    @Args(() => EventsArgs) args: EventsArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Event>> {
    return resolvePage(relations.Account.events, ctx, args, account);
  }

  @FieldResolver(() => AccountPermissions, { description: "What you may do with the account." })
  can(@Root() account: Account, @Ctx() ctx: Context): Promise<AccountPermissions> {
    return resolveCan(relations.Account.can, ctx, account);
  }
}
