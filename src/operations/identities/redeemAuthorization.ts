import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { isStateOf } from "../../identity/providers";
import { readOneTimeToken, wrongToken } from "../steps/readOneTimeToken";

/** What the user had begun before they went to the provider. */
export interface Taken {
  returnTo: string;
  /** True where a session links an identity to its user; false for a sign-in. */
  links: boolean;
}

/**
 * Redeems an authorization that a browser comes back with, once. The state must belong to the secret in
 * the browser's cookie, so an attacker can't send a browser here with an answer that another browser got
 * (RFC 6749, section 10.12). To link an identity, the session must be the one that began it: if another
 * person has signed in to the same browser since then, the identity may be theirs.
 *
 * @throws Refused (TOKEN_INVALID) where the authorization is expired or used, or was begun in another
 * browser or session, or for another provider; RateLimited after too many tries.
 */
export async function redeemAuthorization(
  ctx: Context,
  provider: SocialProvider,
  secret: string,
  state: string,
): Promise<Taken> {
  const hash = await readOneTimeToken(ctx, secret, flowInvalid);
  if (!isStateOf(secret, state)) throw await wrongToken(ctx, flowInvalid);
  const [taken] = await ctx.db.query<Taken>(sql`
    update social_flows set used_at = now()
    where secret_hash = ${hash} and provider = ${provider} and used_at is null
      and expires_at > now() and (session_id is null or session_id = ${ctx.sessionId})
    returning return_to as "returnTo", session_id is not null as links`);
  if (!taken) throw await wrongToken(ctx, flowInvalid);
  return taken;
}

/** One error for all reasons, so that it does not tell which one it was. */
function flowInvalid(): Refused {
  return new Refused(
    Refusal.TOKEN_INVALID,
    "This has expired, was completed before, or was begun in another browser or session. Start again.",
  );
}
