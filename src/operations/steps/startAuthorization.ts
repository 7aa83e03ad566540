import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { countTry, forgive } from "../../identity/throttle";
import { newToken } from "../../identity/tokens";
import { askProvider } from "./askProvider";
import { findProvider } from "./findProvider";

/** How long the user has to sign in at the provider. */
const LASTS_MS = 10 * 60 * 1000;

const RETURN_TO_LIMIT = 1024;

/**
 * A path and a query (RFC 3986). It can't begin with `//` or have a backslash, which browsers read as
 * another host. It has no fragment: the server adds one that says what happened.
 */
const PATH = /^\/(?!\/)[\w\-.~!$&'()*+,;=:@%/?]*$/;

/** The URL to send the browser to, and the secret that it has to bring back. */
export interface AuthorizationRequest {
  url: string;
  secret: string;
}

/**
 * Begins an authorization at a provider.
 *
 * @param returnTo The path of the frontend that the browser comes back to.
 * @param sessionId The session in which a user links an identity; null for a sign-in.
 * @throws Refused (BAD_USER_INPUT) for a provider that is not configured, and for a `returnTo` that is no
 * path; (PROVIDER_FAILED); RateLimited.
 */
export async function startAuthorization(
  ctx: Context,
  provider: SocialProvider,
  returnTo: string,
  sessionId: string | null,
): Promise<AuthorizationRequest> {
  if (returnTo.length > RETURN_TO_LIMIT || !PATH.test(returnTo)) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `\`returnTo\` takes a path such as /settings, of at most ${RETURN_TO_LIMIT} bytes.`,
      ["returnTo"],
    );
  }
  const client = findProvider(ctx, provider);
  await countTry(ctx.db, beginner(ctx));
  const { text: secret, hash } = newToken("ONE_TIME", null);
  const url = await askProvider(ctx, client.authorizationUrl(secret));
  const now = new Date();
  await ctx.db.query(sql`
    insert into social_flows
      (secret_hash, provider, return_to, session_id, expires_at, created_at)
    values (${hash}, ${provider}, ${returnTo}, ${sessionId},
      ${new Date(now.getTime() + LASTS_MS)}, ${now})`);
  return { url, secret };
}

/** Forgives the try of a user who has come back, as many users may sign in from one address. */
export function forgiveAuthorization(ctx: Context): void {
  ctx.background(forgive(ctx.db, beginner(ctx)));
}

function beginner({ request }: Context) {
  return { secret: "flow", ip: request.ip } as const;
}
