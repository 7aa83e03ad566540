import {
  Arg,
  Args,
  Ctx,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from "type-graphql";
import type { Context } from "../context/context";
import { Account } from "../entities/Account";
import { Credential } from "../entities/Credential";
import { Event } from "../entities/Event";
import { Invitation } from "../entities/Invitation";
import { IPRestriction } from "../entities/IPRestriction";
import { Membership } from "../entities/Membership";
import { ServiceUser } from "../entities/ServiceUser";
import { createAccount } from "../operations/accounts/createAccount";
import { deleteAccount } from "../operations/accounts/deleteAccount";
import { updateAccount } from "../operations/accounts/updateAccount";
import { relations } from "../reads/relations";
import { CredentialsArgs, EventsArgs, MembersArgs } from "./filterInputs";
import { can, list, page } from "./resolveRelations";
import { type Connection, connectionOf, OrderedPageArgs } from "./pagination";
import { Payload, payload } from "./payload";

@InputType({ description: "What `createAccount` takes." })
class CreateAccountInput {
  @Field(() => String, { description: "Name of the account. At most 255 bytes." })
  name: string;
}

@ObjectType({ description: "What `createAccount` answers." })
class CreateAccountPayload extends Payload {
  @Field(() => Account, { nullable: true, description: "Account that was created." })
  account?: Account;
}

@InputType({ description: "What `updateAccount` takes." })
class UpdateAccountInput {
  @Field(() => ID, { description: "ID of the account to change." })
  accountId: string;

  @Field(() => String, { nullable: true, description: "Name of the account. At most 255 bytes." })
  name?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Whether nobody gets in without two-factor authentication. Takes a proof of the last 15 " +
      "minutes, and that you have it yourself.",
  })
  mfaRequired?: boolean | null;
}

@ObjectType({ description: "What `updateAccount` answers." })
class UpdateAccountPayload extends Payload {
  @Field(() => Account, { nullable: true, description: "Account as it now is." })
  account?: Account;
}

@InputType({ description: "What `deleteAccount` takes." })
class DeleteAccountInput {
  @Field(() => ID, { description: "ID of the account to delete." })
  accountId: string;

  @Field(() => String, { description: "Name of the account, typed again by whoever means it." })
  name: string;
}

@ObjectType({ description: "What `deleteAccount` answers." })
class DeleteAccountPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the account that was deleted." })
  accountId?: string;
}

@ObjectType({ description: "What you may do with an account." })
class AccountPermissions {
  @Field(() => Boolean, { description: "Indicates whether you may change its settings." })
  update: boolean;

  @Field(() => Boolean, { description: "Indicates whether you may delete it." })
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
    description: "Indicates whether you see all of its events, or those of what you did yourself.",
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
    return page(relations.Account.members, ctx, args, account);
  }

  @FieldResolver(() => ServiceUserConnection, { description: "Service users of the account." })
  serviceUsers(
    @Root() account: Account,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<ServiceUser>> {
    return page(relations.Account.serviceUsers, ctx, args, account);
  }

  @FieldResolver(() => CredentialConnection, {
    description: "Credentials of the account, revoked ones included.",
  })
  credentials(
    @Root() account: Account,
    @Args(() => CredentialsArgs) args: CredentialsArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Credential>> {
    return page(relations.Account.credentials, ctx, args, account);
  }

  @FieldResolver(() => InvitationConnection, {
    description: "Invitations to the account, for those who may invite.",
  })
  invitations(
    @Root() account: Account,
    @Args(() => OrderedPageArgs) args: OrderedPageArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Invitation>> {
    return page(relations.Account.invitations, ctx, args, account);
  }

  @FieldResolver(() => [IPRestriction], {
    description:
      "IP restrictions of the account, one for each surface at most; for administrators.",
  })
  ipRestrictions(@Root() account: Account, @Ctx() ctx: Context): Promise<IPRestriction[]> {
    return list(relations.Account.ipRestrictions, ctx, account);
  }

  @FieldResolver(() => EventConnection, {
    description: "What happened in the account, newest first, as far as you may see it.",
  })
  events(
    @Root() account: Account,
    @Args(() => EventsArgs) args: EventsArgs,
    @Ctx() ctx: Context,
  ): Promise<Connection<Event>> {
    return page(relations.Account.events, ctx, args, account);
  }

  @FieldResolver(() => AccountPermissions, { description: "What you may do with the account." })
  can(@Root() account: Account, @Ctx() ctx: Context): Promise<AccountPermissions> {
    return can(relations.Account.can, ctx, account);
  }

  @Mutation(() => CreateAccountPayload, {
    nullable: true,
    description: "Creates an account with you as its first administrator.",
  })
  createAccount(
    @Arg("input", () => CreateAccountInput, { description: "What to do, and with what." })
    { name }: CreateAccountInput,
    @Ctx() ctx: Context,
  ): Promise<CreateAccountPayload> {
    return payload(async () => ({ account: await createAccount(ctx, name) }));
  }

  @Mutation(() => UpdateAccountPayload, {
    nullable: true,
    description: "Changes an account's settings. What is absent stays as it is.",
  })
  updateAccount(
    @Arg("input", () => UpdateAccountInput, { description: "What to do, and with what." })
    { accountId, ...changes }: UpdateAccountInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateAccountPayload> {
    return payload(async () => ({ account: await updateAccount(ctx, accountId, changes) }));
  }

  @Mutation(() => DeleteAccountPayload, {
    nullable: true,
    description: "Closes an account for good. Its members' other accounts are untouched.",
  })
  deleteAccount(
    @Arg("input", () => DeleteAccountInput, { description: "What to do, and with what." })
    { accountId, name }: DeleteAccountInput,
    @Ctx() ctx: Context,
  ): Promise<DeleteAccountPayload> {
    return payload(async () => ({ accountId: (await deleteAccount(ctx, accountId, name)).id }));
  }
}
