import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused } from "../../errors";
import { isKnownDevice } from "../../identity/knownPlaces";
import { findToken, redeemToken } from "../../identity/oneTimeTokens";
import { type Claimant, claimantAs } from "../steps/claimant";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { openSession } from "../steps/openSession";
import { readOneTimeToken, wrongToken } from "../steps/readOneTimeToken";
import { methodOf } from "../steps/secondFactor";
import { type Try, tryAt } from "../steps/tryAt";
import { useCode } from "../steps/useCode";

interface Challenged extends Claimant {
  knownDevice: boolean;
}

/**
 * Opens the session of a user who was asked for their second factor, with a code of their app or a
 * recovery code (T2, T3). After a wrong code the challenge still works.
 *
 * @throws Refused (TOKEN_INVALID) where the challenge is expired, used or unknown.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function completeSignIn(ctx: Context, challenge: string, code: string) {
  const hash = await readOneTimeToken(ctx, challenge, challengeInvalid);
  const question = await findToken(ctx.db, "COMPLETE_SIGN_IN", hash);
  const [user] = await ctx.db.query<Challenged>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified",
      ${isKnownDevice(ctx.browser.deviceHash)} as "knownDevice"
    from users where id = ${question?.userId}`);
  if (!question || !user) throw await wrongToken(ctx, challengeInvalid);
  const { email } = user;
  const methods = question.methods!;
  const attempt: Try = {
    secret: "code",
    purpose: "sign-in",
    email,
    knownDevice: user.knownDevice,
    who: { ...claimantAs(user), methods },
  };
  return tryAt(ctx, attempt, () =>
    openSession(ctx, user, [...methods, methodOf(code)], {
      prove: async (tx) => {
        const authenticator = await lockAuthenticator(tx);
        const redeemed = await redeemToken(
          tx.unrecorded("one_time_tokens"),
          "COMPLETE_SIGN_IN",
          hash,
        );
        if (!authenticator || !redeemed) throw challengeInvalid();
        await useCode(tx, ctx, authenticator, code);
      },
    }),
  );
}

/** One error for an expired, a used and an unknown challenge. */
function challengeInvalid(): Refused {
  const message = "This sign-in has expired or was completed before. Sign in again.";
  return new Refused(Refusal.TOKEN_INVALID, message, ["challenge"]);
}
