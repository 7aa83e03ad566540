import { Args, Ctx, Field, FieldResolver, ObjectType, Query, Resolver, Root } from "type-graphql";
import type { Context } from "../context/context";
import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { Credential } from "../entities/Credential";
import { PrincipalKind, UserEvent } from "../entities/Event";
import { Identity } from "../entities/Identity";
import { Membership } from "../entities/Membership";
import { PrincipalInterface } from "../entities/PrincipalInterface";
import { ServiceUser } from "../entities/ServiceUser";
import { Session, Surface } from "../entities/Session";
import { User } from "../entities/User";
import { type Language, languageOf } from "../mails/languages";
import { relations } from "../reads/relations";
import { resolveCanOwn, resolveOne, resolvePage } from "./resolveRelations";
import { type Connection, connectionOf, PageArgs } from "./pagination";

@ObjectType({ description: "Whether you get into an account, and if not, why." })
class AccountAccess {
  @Field(() => Boolean, { description: "Indicates whether you get into the account now." })
  granted: boolean;

  @Field(() => String, { nullable: true, description: "Code of the reason why you do not get in." })
  code: string | null;

  @Field(() => String, { nullable: true, description: "Why you do not get in, and what to do." })
  message: string | null;
}

@ObjectType({ description: "Your membership of an account, whether or not you get in." })
class ViewerMembership {
  id: string;
  accountId: string;
}

@ObjectType({ description: "What you may do that concerns no account." })
class ViewerPermissions {
  @Field(() => Boolean, { description: "Indicates whether you may create an account." })
  createAccount: boolean;
}

@ObjectType({ description: "The caller, and what belongs to them." })
class Viewer {}

const ViewerMembershipConnection = connectionOf("ViewerMembership", ViewerMembership);
const SessionConnection = connectionOf("Session", Session);
const AuthenticatorConnection = connectionOf("Authenticator", Authenticator);
const IdentityConnection = connectionOf("Identity", Identity);
const UserEventConnection = connectionOf("UserEvent", UserEvent);

@Resolver(() => Viewer)
export class ViewerResolver {
  @Query(() => Viewer, { nullable: true, description: "The caller, and what belongs to them." })
  viewer(@Ctx() ctx: Context): Viewer {
    return ctx.principal && new Viewer();
  }

  @FieldResolver(() => PrincipalInterface, { description: "Who you are." })
  principal(@Ctx() ctx: Context): Promise<PrincipalInterface | null> | PrincipalInterface {
    const { id, kind, subject, name } = ctx.principal;
    return kind === PrincipalKind.USER
      ? ctx.loaders
          .row(User, id)
          .then((user) => user ?? Object.assign(new User(), { id, name, email: subject }))
      : ctx.loaders.rowIn(ServiceUser, { accountId: ctx.principal.accountId! }, id);
  }

  @FieldResolver(() => Surface, { nullable: true, description: "Where this request arrived." })
  surface(@Ctx() ctx: Context): Surface | null {
    return ctx.principal.surface;
  }

  @FieldResolver(() => Session, {
    nullable: true,
    description: "Session of this request; null when it came with an API key.",
  })
  session(@Ctx() ctx: Context): Promise<Session | null> {
    return resolveOne(relations.Viewer.session, ctx);
  }

  @FieldResolver(() => Credential, {
    nullable: true,
    description: "API key of this request; null when it came with a session.",
  })
  credential(@Ctx() ctx: Context): Promise<Credential | null> {
    return resolveOne(relations.Viewer.credential, ctx);
  }

  @FieldResolver(() => ViewerMembershipConnection, {
    description: "Accounts you are a member of. An API key sees the one it belongs to.",
  })
  memberships(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Membership>> {
    return resolvePage(relations.Viewer.memberships, ctx, args);
  }

  @FieldResolver(() => SessionConnection, {
    description: "Sessions of yours that have not ended. An API key sees none.",
  })
  sessions(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Session>> {
    return resolvePage(relations.Viewer.sessions, ctx, args);
  }

  @FieldResolver(() => AuthenticatorConnection, {
    description: "Your second factor, where it is on. An API key sees none.",
  })
  authenticators(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Authenticator>> {
    return resolvePage(relations.Viewer.authenticators, ctx, args);
  }

  @FieldResolver(() => IdentityConnection, {
    description:
      "Your identities at GitHub and Google, with which you can sign in. An API key sees none.",
  })
  identities(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Identity>> {
    return resolvePage(relations.Viewer.identities, ctx, args);
  }

  @FieldResolver(() => UserEventConnection, {
    description: "Events that concern you and no account, newest first. An API key sees none.",
  })
  events(
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<UserEvent>> {
    return resolvePage(relations.Viewer.events, ctx, args);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "Language of mails to you (BCP 47). An API key sees none.",
  })
  async language(@Ctx() ctx: Context): Promise<Language | null> {
    const { id, sessionId } = ctx.principal;
    const user = sessionId ? await ctx.loaders.row(User, id) : null;
    return user && languageOf(user.language);
  }

  @FieldResolver(() => ViewerPermissions, { description: "What you may do." })
  can(@Ctx() ctx: Context): ViewerPermissions {
    return resolveCanOwn(relations.Viewer.can, ctx);
  }
}

@Resolver(() => ViewerMembership)
export class ViewerMembershipResolver {
  @FieldResolver(() => Membership, {
    nullable: true, // an error below it, where the caller does not get in, makes only this null
    description: "You, as a member of the account.",
  })
  member(@Root() member: Membership): Membership {
    return Object.assign(new Membership(), member);
  }

  @FieldResolver(() => String, { description: "Name of the account." })
  async accountName(@Root() { accountId }: Membership, @Ctx() ctx: Context): Promise<string> {
    return (await ctx.loaders.row(Account, accountId))!.name;
  }

  @FieldResolver(() => Account, {
    nullable: true,
    description: "The account; null where you do not get in, and `access` says why.",
  })
  async account(@Root() { accountId }: Membership, @Ctx() ctx: Context): Promise<Account | null> {
    if (await ctx.refusalFrom(accountId)) return null;
    await ctx.in(accountId);
    return ctx.loaders.row(Account, accountId);
  }

  @FieldResolver(() => AccountAccess, { description: "Whether you get into the account." })
  async access(@Root() { accountId }: Membership, @Ctx() ctx: Context): Promise<AccountAccess> {
    const refusal = await ctx.refusalFrom(accountId);
    return {
      granted: !refusal,
      code: refusal?.code ?? null,
      message: refusal?.message ?? null,
    };
  }
}
