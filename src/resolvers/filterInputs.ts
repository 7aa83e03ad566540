import { ArgsType, Field, GraphQLISODateTime, ID, InputType } from "type-graphql";
import { CredentialKind } from "../entities/Credential";
import { MemberStatus } from "../entities/Membership";
import { Order, OrderedPageArgs } from "./pagination";
import { RolesInput } from "./memberRoles";

@InputType({ description: "Which members to return. An absent field does not narrow the list." })
class MemberFilter {
  @Field(() => MemberStatus, { nullable: true, description: "Whether they have access." })
  status?: MemberStatus | null;

  @Field(() => RolesInput, { nullable: true, description: "Roles that they have, exactly." })
  roles?: RolesInput | null;

  @Field(() => String, {
    nullable: true,
    description: "Part of their name or email. Adds 2,000 to the cost.",
  })
  text?: string | null;
}

@InputType({
  description: "Which credentials to return. An absent field does not narrow the list.",
})
class CredentialFilter {
  @Field(() => CredentialKind, { nullable: true, description: "What they are for." })
  kind?: CredentialKind | null;

  @Field(() => ID, {
    nullable: true,
    description: "ID of the member or service user who owns them.",
  })
  ownerId?: string | null;

  @Field(() => Boolean, { nullable: true, description: "Whether they are revoked." })
  revoked?: boolean | null;
}

@InputType({
  description:
    "Which events to return. An absent field does not narrow the list. Where many events match each condition and few match all, the search may be refused (`QUERY_TOO_COMPLEX`): narrow it by `from` and `until`.",
})
export class EventFilter {
  @Field(() => [String], {
    nullable: true,
    description: "Types, such as `member_disabled.v1`. At most 100.",
  })
  types?: string[] | null;

  @Field(() => ID, { nullable: true, description: "ID of the principal who acted." })
  principalId?: string | null;

  @Field(() => ID, { nullable: true, description: "ID of the object that was acted on." })
  objectId?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Address or range that the request came from, such as `203.0.113.0/24`; at most /24 (IPv4) or /64 (IPv6).",
  })
  ip?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "From this moment on." })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Before this moment." })
  until?: Date | null;
}

@ArgsType()
export class MembersArgs extends OrderedPageArgs {
  @Field(() => MemberFilter, { nullable: true, description: "Which members." })
  filter?: MemberFilter | null;
}

@ArgsType()
export class CredentialsArgs extends OrderedPageArgs {
  @Field(() => CredentialFilter, { nullable: true, description: "Which credentials." })
  filter?: CredentialFilter | null;
}

@ArgsType()
export class EventsArgs extends OrderedPageArgs {
  @Field(() => Order, { defaultValue: Order.NEWEST_FIRST, description: "Which end comes first." })
  declare order: Order;

  @Field(() => EventFilter, { nullable: true, description: "Which events." })
  filter?: EventFilter | null;
}
