import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { beginFlow, type Flow } from "../steps/beginFlow";

/**
 * Begins to sign somebody in through a provider: whoever it is, they come back with the secret.
 *
 * @throws Refused (BAD_USER_INPUT, PROVIDER_FAILED); RateLimited.
 */
export function startSignIn(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
): Promise<Flow> {
  return beginFlow(ctx, provider, returnTo, null);
}
