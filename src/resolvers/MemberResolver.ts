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
import type { Credential } from "../entities/Credential";
import { Membership } from "../entities/Membership";
import { User } from "../entities/User";
import { disableMember } from "../operations/members/disableMember";
import { enableMember } from "../operations/members/enableMember";
import { leaveAccount } from "../operations/members/leaveAccount";
import { removeMember } from "../operations/members/removeMember";
import { updateMemberRoles } from "../operations/members/updateMemberRoles";
import { relations } from "../reads/relations";
import { CredentialConnection } from "./AccountResolver";
import { can, one, page } from "./resolveRelations";
import { type Connection, OrderedPageArgs } from "./pagination";
import { Payload, payload } from "./payload";
import { MemberRoles, RolesInput } from "./roles";

@InputType({ description: "What `updateMemberRoles` takes." })
class UpdateMemberRolesInput {
  @Field(() => ID, { description: "ID of the member whose roles to change." })
  memberId: string;

  @Field(() => RolesInput, { description: "Roles to set; what is absent stays as it is." })
  roles: RolesInput;
}

@InputType({ description: "What `disableMember` takes." })
class DisableMemberInput {
  @Field(() => ID, { description: "ID of the member to disable." })
  memberId: string;
}

@InputType({ description: "What `enableMember` takes." })
class EnableMemberInput {
  @Field(() => ID, { description: "ID of the member to enable." })
  memberId: string;
}

@InputType({ description: "What `removeMember` takes." })
class RemoveMemberInput {
  @Field(() => ID, { description: "ID of the member to remove." })
  memberId: string;
}

@InputType({ description: "What `leaveAccount` takes." })
class LeaveAccountInput {
  @Field(() => ID, { description: "ID of the account to leave." })
  accountId: string;
}

@ObjectType({ description: "What `updateMemberRoles` answers." })
class UpdateMemberRolesPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@ObjectType({ description: "What `disableMember` answers." })
class DisableMemberPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@ObjectType({ description: "What `enableMember` answers." })
class EnableMemberPayload extends Payload {
  @Field(() => Membership, { nullable: true, description: "Member as they now are." })
  member?: Membership;
}

@ObjectType({ description: "What `removeMember` answers." })
class RemoveMemberPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the member who was removed." })
  memberId?: string;
}

@ObjectType({ description: "What `leaveAccount` answers." })
class LeaveAccountPayload extends Payload {
  @Field(() => ID, { nullable: true, description: "ID of the account that you left." })
  accountId?: string;
}

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
    return one(relations.Member.user, ctx, member);
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
    return page(relations.Member.credentials, ctx, args, member);
  }

  @FieldResolver(() => MemberPermissions, { description: "What you may do with the member." })
  can(@Root() member: Membership, @Ctx() ctx: Context): Promise<MemberPermissions> {
    return can(relations.Member.can, ctx, member);
  }

  @Mutation(() => UpdateMemberRolesPayload, {
    nullable: true,
    description: "Changes a member's roles.",
  })
  updateMemberRoles(
    @Arg("input", () => UpdateMemberRolesInput, { description: "What to do, and with what." })
    { memberId, roles }: UpdateMemberRolesInput,
    @Ctx() ctx: Context,
  ): Promise<UpdateMemberRolesPayload> {
    return payload(async () => ({ member: await updateMemberRoles(ctx, memberId, roles) }));
  }

  @Mutation(() => DisableMemberPayload, {
    nullable: true,
    description: "Switches off a member's access, credentials included, until they are enabled.",
  })
  disableMember(
    @Arg("input", () => DisableMemberInput, { description: "What to do, and with what." })
    { memberId }: DisableMemberInput,
    @Ctx() ctx: Context,
  ): Promise<DisableMemberPayload> {
    return payload(async () => ({ member: await disableMember(ctx, memberId) }));
  }

  @Mutation(() => EnableMemberPayload, {
    nullable: true,
    description: "Gives a disabled member their access back, credentials included.",
  })
  enableMember(
    @Arg("input", () => EnableMemberInput, { description: "What to do, and with what." })
    { memberId }: EnableMemberInput,
    @Ctx() ctx: Context,
  ): Promise<EnableMemberPayload> {
    return payload(async () => ({ member: await enableMember(ctx, memberId) }));
  }

  @Mutation(() => RemoveMemberPayload, {
    nullable: true,
    description: "Takes a member out of the account and revokes their credentials there.",
  })
  removeMember(
    @Arg("input", () => RemoveMemberInput, { description: "What to do, and with what." })
    { memberId }: RemoveMemberInput,
    @Ctx() ctx: Context,
  ): Promise<RemoveMemberPayload> {
    return payload(async () => ({ memberId: (await removeMember(ctx, memberId)).id }));
  }

  @Mutation(() => LeaveAccountPayload, {
    nullable: true,
    description: "Ends your own membership, with the same effect as being removed.",
  })
  leaveAccount(
    @Arg("input", () => LeaveAccountInput, { description: "What to do, and with what." })
    { accountId }: LeaveAccountInput,
    @Ctx() ctx: Context,
  ): Promise<LeaveAccountPayload> {
    return payload(async () => ({ accountId: (await leaveAccount(ctx, accountId)).accountId }));
  }
}
