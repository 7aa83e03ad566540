import type { Context } from "../../context/context";
import { type ApiKey, CredentialKind } from "../../entities/Credential";
import { issueCredential, type NewCredential } from "../steps/issueCredential";

/**
 * Creates an API key. Only this answer has its secret.
 *
 * @throws Forbidden for another owner, unless the caller is an administrator; for the caller's own,
 *   unless the caller is a developer; without a fresh proof in a session (REAUTHENTICATION_REQUIRED).
 * @throws Refused (BAD_USER_INPUT) for a disabled owner, a time in the past, or a text that is too long.
 */
export async function createApiKey(
  ctx: Context,
  accountId: string,
  input: NewCredential,
): Promise<{ credential: ApiKey; secret: string }> {
  const access = await ctx.changing(accountId);
  return access.transaction((tx) => issueCredential<ApiKey>(tx, CredentialKind.API_KEY, input));
}
