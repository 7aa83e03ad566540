import type { Context } from "../../context/context";
import { type ApiKey, CredentialKind } from "../../entities/Credential";
import { issueCredential, type NewCredential } from "../steps/issueCredential";

/**
 * Makes an API key. The answer carries its secret, this once.
 *
 * @throws Forbidden when the owner is somebody else and the caller is no administrator, or the
 *   caller is no developer; REAUTHENTICATION_REQUIRED for a session that was not proven of late.
 * @throws Refused (BAD_USER_INPUT) for a disabled owner, a time that is over, too long a text.
 */
export async function createApiKey(
  ctx: Context,
  accountId: string,
  input: NewCredential,
): Promise<{ credential: ApiKey; secret: string }> {
  const access = await ctx.changing(accountId);
  return access.transaction((tx) => issueCredential<ApiKey>(tx, CredentialKind.API_KEY, input));
}
