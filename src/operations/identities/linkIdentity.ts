import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { lockSelf } from "../steps/lockSelf";
import { type AuthorizationRequest, startAuthorization } from "../steps/startAuthorization";

/**
 * Begins to link an identity at a provider to the caller. The identity is linked when the browser has
 * come back (`addIdentity`).
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) for a session without a cookie: the browser would come back without it.
 * @throws Refused (BAD_USER_INPUT, PROVIDER_FAILED); RateLimited.
 */
export async function linkIdentity(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
): Promise<AuthorizationRequest> {
  await ctx.self.transaction(async (tx) => tx.requireFresh(await lockSelf(tx)));
  if (!ctx.browser.sentSession) {
    const message =
      "The browser comes back from the provider with the session in its cookie, so linking has to begin " +
      "with it. Sign in with `transport: COOKIE`, and send the cookie.";
    throw new Refused(Refusal.CONFLICT, message);
  }
  return startAuthorization(ctx, provider, returnTo, ctx.principal.sessionId);
}
