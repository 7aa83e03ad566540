import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { countTry, forgive } from "../../identity/throttle";
import { newToken } from "../../identity/tokens";
import { askProvider } from "./askProvider";
import { findProvider } from "./findProvider";

/** How long somebody has to sign in at the provider. */
const LASTS_MS = 10 * 60 * 1000;

const RETURN_TO_LIMIT = 1024;

/**
 * RFC 3986: a path and a query. Neither `//` nor a backslash, in which browsers see another host;
 * no fragment, as that tells what happened.
 */
const PATH = /^\/(?!\/)[\w\-.~!$&'()*+,;=:@%/?]*$/;

/** A way to a provider, begun: where to go, and the secret that the browser has to bring back. */
export interface AuthorizationRequest {
  url: string;
  secret: string;
}

/**
 * Begins a way to a provider and back.
 *
 * @param sessionId Of who links an identity to themselves; null where somebody signs in.
 * @throws Refused (BAD_USER_INPUT for a provider that is not configured, and for what is no path of
 * the frontend; PROVIDER_FAILED); RateLimited.
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

/** Somebody came back and got in: many may begin behind one address. */
export function forgiveAuthorization(ctx: Context): void {
  ctx.background(forgive(ctx.db, beginner(ctx)));
}

function beginner({ request }: Context) {
  return { secret: "flow", ip: request.ip } as const;
}
