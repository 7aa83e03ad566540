import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { SignInMethod } from "../../entities/Session";
import { Refusal, Refused } from "../../errors";
import { type Claimant, claimantAs } from "../steps/claimant";
import { isKnownDevice } from "../steps/isKnownDevice";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { openSession } from "../steps/openSession";
import { readOneTimeToken, wrongToken } from "../steps/readOneTimeToken";
import { methodOf } from "../steps/secondFactor";
import { type Try, tryAt } from "../steps/tryAt";
import { useCode } from "../steps/useCode";

interface Challenged extends Claimant {
  methods: SignInMethod[];
  knownDevice: boolean;
}

/**
 * Opens the session of somebody who was asked for a second factor, by a code of their app or a
 * recovery code (T2, T3). A wrong code leaves the question as it is.
 *
 * @throws Refused (TOKEN_INVALID) when the question is expired, answered or unknown.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function completeSignIn(ctx: Context, challenge: string, code: string) {
  const hash = await readOneTimeToken(ctx, challenge, challengeInvalid);
  const live = sql`t.token_hash = ${hash} and t.purpose = 'COMPLETE_SIGN_IN' and t.used_at is null
    and t.expires_at > now()`;
  const [user] = await ctx.db.query<Challenged>(sql`
    select users.id, users.email, users.name, users.email_verified_at is not null as "emailVerified",
      t.methods, ${isKnownDevice(ctx.knownDevice())} as "knownDevice"
    from one_time_tokens t join users on users.id = t.user_id where ${live}`);
  if (!user) throw await wrongToken(ctx, challengeInvalid);
  const { email, methods } = user;
  const attempt: Try = {
    secret: "code",
    email,
    knownDevice: user.knownDevice,
    who: { ...claimantAs(user), methods },
  };
  return tryAt(ctx, attempt, () =>
    openSession(ctx, user, [...methods, methodOf(code)], {
      prove: async (tx) => {
        const authenticator = await lockAuthenticator(tx);
        const used = await tx.query(sql`
        update one_time_tokens t set used_at = now() where ${live} returning id`);
        if (!authenticator || !used.length) throw challengeInvalid();
        await useCode(tx, ctx, authenticator, code);
      },
    }),
  );
}

/** Expired, answered and unknown alike. */
function challengeInvalid(): Refused {
  const message = "This sign-in has expired or was completed before. Sign in again.";
  return new Refused(Refusal.TOKEN_INVALID, message, ["challenge"]);
}
