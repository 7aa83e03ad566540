import { ArgsType, Field, GraphQLISODateTime, ID, InputType } from "type-graphql";
import { CredentialKind } from "../entities/Credential";
import { MemberStatus } from "../entities/Membership";
import { Order, OrderedPageArgs } from "./pagination";
import { RolesInput } from "./memberRoles";

@InputType({ description: "Which members to return; what is absent does not matter." })
class MemberFilter {
  @Field(() => MemberStatus, { nullable: true, description: "Whether they have access." })
  status?: MemberStatus | null;

  @Field(() => RolesInput, { nullable: true, description: "Roles that they have exactly." })
  roles?: RolesInput | null;

  @Field(() => String, {
    nullable: true,
    description: "Part of their name or email. Adds 2,000 to the cost.",
  })
  text?: string | null;
}

@InputType({ description: "Which credentials to return; what is absent does not matter." })
class CredentialFilter {
  @Field(() => CredentialKind, { nullable: true, description: "What they are for." })
  kind?: CredentialKind | null;

  @Field(() => ID, { nullable: true, description: "ID of the member or service user they are of." })
  ownerId?: string | null;

  @Field(() => Boolean, { nullable: true, description: "Whether they are revoked." })
  revoked?: boolean | null;
}

@InputType({
  description:
    "Which events to return; what is absent does not matter. Conditions that are common each and rare together may be refused (`QUERY_TOO_COMPLEX`) until `from` and `until` narrow them.",
})
export class EventFilter {
  @Field(() => [String], {
    nullable: true,
    description: "Types, such as `member_disabled.v1`. At most 100.",
  })
  types?: string[] | null;

  @Field(() => ID, { nullable: true, description: "ID of whoever acted." })
  principalId?: string | null;

  @Field(() => ID, { nullable: true, description: "ID of what it was done to." })
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
