import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { beginFlow, type Flow } from "../steps/beginFlow";
import { lockSelf } from "../steps/lockSelf";

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
): Promise<Flow> {
  await ctx.self.transaction(async (tx) => tx.requireFresh(await lockSelf(tx)));
  return beginFlow(ctx, provider, returnTo, ctx.principal.sessionId);
}
