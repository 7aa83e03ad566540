import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { lockSelf } from "../steps/lockSelf";
import { type AuthorizationRequest, startAuthorization } from "../steps/startAuthorization";

/**
 * Begins to link an identity at a provider to the caller, who comes back with it (`addIdentity`).
 * Nothing changes before.
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (BAD_USER_INPUT, PROVIDER_FAILED); RateLimited.
 */
export async function linkIdentity(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
): Promise<AuthorizationRequest> {
  await ctx.self.transaction(async (tx) => tx.requireFresh(await lockSelf(tx)));
  return startAuthorization(ctx, provider, returnTo, ctx.principal.sessionId);
}
