import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { isStateOf } from "../../identity/providers";
import { readOneTimeToken, wrongToken } from "../steps/readOneTimeToken";

/** What somebody who came back had begun. */
export interface Taken {
  returnTo: string;
  /** Of who links an identity to themselves; null where somebody signs in. */
  sessionId: string | null;
}

/**
 * Takes the way that a browser comes back on, once. The state must be that of the secret in its
 * cookie: nobody is sent here with an answer that was meant for another browser (RFC 6749, section
 * 10.12).
 *
 * @throws Refused (TOKEN_INVALID) when it is expired, taken, begun elsewhere or to another provider;
 * RateLimited after too many tries.
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
      and expires_at > now()
    returning return_to as "returnTo", session_id as "sessionId"`);
  if (!taken) throw await wrongToken(ctx, flowInvalid);
  return taken;
}

/** Expired, taken, unknown and another browser's alike. */
function flowInvalid(): Refused {
  return new Refused(
    Refusal.TOKEN_INVALID,
    "This sign-in has expired, was completed before, or was begun in another browser. Begin anew.",
  );
}
