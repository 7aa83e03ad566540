import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { isStateOf } from "../../identity/providers";
import { readOneTimeToken, wrongToken } from "../steps/readOneTimeToken";

/** What somebody who came back had begun. */
export interface Taken {
  returnTo: string;
  /** Whether the session that asks links an identity to its user; else somebody signs in. */
  links: boolean;
}

/**
 * Takes the way that a browser comes back on, once. The state must be that of the secret in its
 * cookie: nobody is sent here with an answer that was meant for another browser (RFC 6749, section
 * 10.12). A link is taken by the session that began it alone: where another person has signed in
 * meanwhile, in the same browser, the identity that comes back may be theirs.
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
      and expires_at > now() and (session_id is null or session_id = ${ctx.sessionId})
    returning return_to as "returnTo", session_id is not null as links`);
  if (!taken) throw await wrongToken(ctx, flowInvalid);
  return taken;
}

/** Expired, taken, unknown, another browser's and another session's alike. */
function flowInvalid(): Refused {
  return new Refused(
    Refusal.TOKEN_INVALID,
    "This has expired, was completed before, or was begun in another browser or session. Begin anew.",
  );
}
