import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { oneTimeTokenHash } from "../../identity/oneTimeTokens";
import { countTry } from "../../identity/throttle";

/** The hash of a token that works once, to look it up by. @throws as `wrongToken` says. */
export async function readOneTimeToken(
  ctx: Context,
  text: string,
  invalid: () => Refused = tokenInvalid,
): Promise<Buffer> {
  const hash = oneTimeTokenHash(text);
  if (!hash) throw await wrongToken(ctx, invalid);
  return hash;
}

/**
 * Counts a try at a token that is none, and gives what is to be said of it. Only now: 256 bits are not
 * found by asking many at once, and so a good one waits for nothing that others try beside it.
 *
 * @throws RateLimited after too many.
 */
export async function wrongToken(
  ctx: Context,
  invalid: () => Refused = tokenInvalid,
): Promise<Refused> {
  await countTry(ctx.db, { secret: "token", ip: ctx.request.ip });
  return invalid();
}

/** Expired, used and unknown alike. */
export function tokenInvalid(): Refused {
  const message = "This link has expired or was used before. Ask for a new one.";
  return new Refused(Refusal.TOKEN_INVALID, message, ["token"]);
}
