import { isInterfaceType, lexicographicSortSchema, printSchema } from "graphql";
import { buildSchemaSync } from "type-graphql";
import type { Node } from "../entities/Node";
import { ApiKey, Authtoken } from "../entities/Credential";
import { AccountResolver } from "../resolvers/AccountResolver";
import { AuthenticatorResolver } from "../resolvers/AuthenticatorResolver";
import { CredentialResolver } from "../resolvers/CredentialResolver";
import { IdentityResolver } from "../resolvers/IdentityResolver";
import { InvitationResolver } from "../resolvers/InvitationResolver";
import { IPRestrictionResolver } from "../resolvers/IPRestrictionResolver";
import { MemberResolver } from "../resolvers/MemberResolver";
import { NodeResolver } from "../resolvers/NodeResolver";
import { ServiceUserResolver } from "../resolvers/ServiceUserResolver";
import { SessionResolver } from "../resolvers/SessionResolver";
import { UserResolver } from "../resolvers/UserResolver";
import { ViewerMembershipResolver, ViewerResolver } from "../resolvers/ViewerResolver";

/**
 * The GraphQL schema, exactly as printed in schema.graphql.
 *
 * No global middleware and no validation layer: each costs two promises per field
 * (docs/performance.md). Input is checked once per request instead (resolvers/inputs.ts).
 */
export const schema = buildSchemaSync({
  resolvers: [
    NodeResolver,
    ViewerResolver,
    ViewerMembershipResolver,
    AccountResolver,
    MemberResolver,
    ServiceUserResolver,
    CredentialResolver,
    InvitationResolver,
    IPRestrictionResolver,
    SessionResolver,
    AuthenticatorResolver,
    IdentityResolver,
    UserResolver,
  ],
  orphanedTypes: [ApiKey, Authtoken],
  validate: false,
});

// TypeGraphQL would find a row's type by trying each, and answer with a promise; every row of a
// list would wait for its own.
for (const type of Object.values(schema.getTypeMap())) {
  if (isInterfaceType(type)) type.resolveType = (row: Node) => row.typeName ?? row.constructor.name;
}

export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
