import { isInterfaceType, lexicographicSortSchema, printSchema } from "graphql";
import { buildSchemaSync } from "type-graphql";
import type { Node } from "../entities/Node";
import { ApiKey, Authtoken } from "../entities/Credential";
import { AccountResolver } from "../resolvers/AccountResolver";
import { CredentialResolver } from "../resolvers/CredentialResolver";
import { IdentityResolver } from "../resolvers/IdentityResolver";
import { InvitationResolver } from "../resolvers/InvitationResolver";
import { IPRestrictionResolver } from "../resolvers/IPRestrictionResolver";
import { MemberResolver } from "../resolvers/MemberResolver";
import { NodeResolver } from "../resolvers/NodeResolver";
import { ServiceUserResolver } from "../resolvers/ServiceUserResolver";
import { SessionResolver } from "../resolvers/SessionResolver";
import { ViewerMembershipResolver, ViewerResolver } from "../resolvers/ViewerResolver";
import { CreateAccount } from "../resolvers/accounts/createAccount";
import { DeleteAccount } from "../resolvers/accounts/deleteAccount";
import { UpdateAccount } from "../resolvers/accounts/updateAccount";
import { ConfirmTotp } from "../resolvers/authenticators/confirmTotp";
import { DisableTotp } from "../resolvers/authenticators/disableTotp";
import { EnrollTotp } from "../resolvers/authenticators/enrollTotp";
import { RegenerateRecoveryCodes } from "../resolvers/authenticators/regenerateRecoveryCodes";
import { CreateApiKey } from "../resolvers/credentials/createApiKey";
import { CreateAuthtoken } from "../resolvers/credentials/createAuthtoken";
import { RevokeCredential } from "../resolvers/credentials/revokeCredential";
import { UpdateCredential } from "../resolvers/credentials/updateCredential";
import { LinkIdentity } from "../resolvers/identities/linkIdentity";
import { UnlinkIdentity } from "../resolvers/identities/unlinkIdentity";
import { DisableMember } from "../resolvers/members/disableMember";
import { EnableMember } from "../resolvers/members/enableMember";
import { LeaveAccount } from "../resolvers/members/leaveAccount";
import { RemoveMember } from "../resolvers/members/removeMember";
import { UpdateMemberRoles } from "../resolvers/members/updateMemberRoles";
import { CompleteSignIn } from "../resolvers/sessions/completeSignIn";
import { EndOtherSessions } from "../resolvers/sessions/endOtherSessions";
import { EndSession } from "../resolvers/sessions/endSession";
import { Reauthenticate } from "../resolvers/sessions/reauthenticate";
import { SignIn } from "../resolvers/sessions/signIn";
import { SignOut } from "../resolvers/sessions/signOut";
import { ConfirmEmail } from "../resolvers/users/confirmEmail";
import { RequestPasswordReset } from "../resolvers/users/requestPasswordReset";
import { ResendVerification } from "../resolvers/users/resendVerification";
import { ResetPassword } from "../resolvers/users/resetPassword";
import { SetPassword } from "../resolvers/users/setPassword";
import { SignUp } from "../resolvers/users/signUp";
import { UpdateEmail } from "../resolvers/users/updateEmail";
import { UpdateLanguage } from "../resolvers/users/updateLanguage";
import { UpdatePassword } from "../resolvers/users/updatePassword";
import { VerifyEmail } from "../resolvers/users/verifyEmail";

/** A class for each type, with its fields and the queries that return it. */
const TYPES = [
  AccountResolver,
  CredentialResolver,
  IdentityResolver,
  InvitationResolver,
  IPRestrictionResolver,
  MemberResolver,
  NodeResolver,
  ServiceUserResolver,
  SessionResolver,
  ViewerResolver,
  ViewerMembershipResolver,
] as const;

/** A class for each mutation. A test fails where a file of `resolvers/` is missing here. */
const MUTATIONS = [
  CreateAccount,
  DeleteAccount,
  UpdateAccount,
  ConfirmTotp,
  DisableTotp,
  EnrollTotp,
  RegenerateRecoveryCodes,
  CreateApiKey,
  CreateAuthtoken,
  RevokeCredential,
  UpdateCredential,
  LinkIdentity,
  UnlinkIdentity,
  DisableMember,
  EnableMember,
  LeaveAccount,
  RemoveMember,
  UpdateMemberRoles,
  CompleteSignIn,
  EndOtherSessions,
  EndSession,
  Reauthenticate,
  SignIn,
  SignOut,
  ConfirmEmail,
  RequestPasswordReset,
  ResendVerification,
  ResetPassword,
  SetPassword,
  SignUp,
  UpdateEmail,
  UpdateLanguage,
  UpdatePassword,
  VerifyEmail,
] as const;

/**
 * The GraphQL schema. `npm run schema` prints it to schema.graphql.
 *
 * No global middleware and no validation layer: each costs two promises per field
 * (docs/performance.md). Input is checked once per request instead (graphql/inputs.ts).
 */
export const schema = buildSchemaSync({
  resolvers: [...TYPES, ...MUTATIONS],
  orphanedTypes: [ApiKey, Authtoken],
  validate: false,
});

// TypeGraphQL would try every type to find that of a row, and return a promise for each row of a list.
for (const type of Object.values(schema.getTypeMap())) {
  if (isInterfaceType(type)) type.resolveType = (row: Node) => row.typeName ?? row.constructor.name;
}

export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
