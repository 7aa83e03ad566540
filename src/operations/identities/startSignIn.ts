import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { type AuthorizationRequest, startAuthorization } from "../steps/startAuthorization";

/**
 * Begins to sign somebody in through a provider: whoever it is, they come back with the secret.
 *
 * @throws Refused (BAD_USER_INPUT, PROVIDER_FAILED); RateLimited.
 */
export function startSignIn(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
): Promise<AuthorizationRequest> {
  return startAuthorization(ctx, provider, returnTo, null);
}
