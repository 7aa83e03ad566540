import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { type AuthorizationRequest, startAuthorization } from "../steps/startAuthorization";

/**
 * Begins a sign-in through a provider. Who the person is will be known when they come back.
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
