import type { Context } from "../../context/context";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { lockSelf } from "../steps/lockSelf";
import { type AuthorizationRequest, startAuthorization } from "../steps/startAuthorization";

/**
 * Begins to link an identity at a provider to the caller, who comes back with it (`addIdentity`).
 * Nothing changes before.
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) for a session that came in no cookie: it will not come back with it.
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
      "Linking ends in the browser where it began, by the session in its cookie. Sign in there with " +
      "`transport: COOKIE`, and ask with the cookie.";
    throw new Refused(Refusal.CONFLICT, message);
  }
  return startAuthorization(ctx, provider, returnTo, ctx.principal.sessionId);
}
