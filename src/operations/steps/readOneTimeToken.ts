import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { oneTimeTokenHash } from "../../identity/oneTimeTokens";
import { countTry } from "../../identity/throttle";

/** The hash of a token, to look it up by. @throws what `wrongToken` gives for a text of another form. */
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
 * Counts a try with a wrong token, and returns the error for it. Only wrong tokens are counted: an
 * attacker can't guess 256 bits, and the wrong tokens of other callers do not keep a right one waiting.
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
