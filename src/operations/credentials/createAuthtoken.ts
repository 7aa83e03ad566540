import type { Context } from "../../context/context";
import { type Authtoken, CredentialKind } from "../../entities/Credential";
import { issueCredential, type NewCredential } from "../steps/issueCredential";

/**
 * Creates an authtoken. Only this answer has its secret.
 *
 * @throws Forbidden and Refused as `createApiKey` does.
 */
export async function createAuthtoken(
  ctx: Context,
  accountId: string,
  input: NewCredential,
): Promise<{ credential: Authtoken; secret: string }> {
  const access = await ctx.changing(accountId);
  return access.transaction((tx) =>
    issueCredential<Authtoken>(tx, CredentialKind.AUTHTOKEN, input),
  );
}
