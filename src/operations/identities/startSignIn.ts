import type { Context } from "../../context";
import type { SocialProvider } from "../../entities/Identity";
import { beginFlow, type Flow } from "../flows";
import { countToken } from "../proving";

/**
 * Begins to sign somebody in through a provider: whoever it is, they come back with the secret.
 *
 * @throws Refused (BAD_USER_INPUT for a provider that is not configured, and for what is no path of
 * the frontend; PROVIDER_FAILED); RateLimited.
 */
export async function startSignIn(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
): Promise<Flow> {
  await countToken(ctx);
  return beginFlow(ctx, provider, returnTo, null);
}
