import type { Context } from "../../context/context";
import { SignInMethod } from "../../entities/Session";
import type { User } from "../../entities/User";
import { Unauthenticated } from "../../errors";
import { findSignUp, redeemToken } from "../../identity/oneTimeTokens";
import { verifyPassword } from "../../identity/passwords";
import { languageOf } from "../../mails/languages";
import { SIGN_UP, system } from "../../principal";
import { WRONG_PASSWORD } from "../steps/assertPassword";
import { createUser } from "../steps/createUser";
import { type Opened, openSession } from "../steps/openSession";
import { readOneTimeToken, tokenInvalid, wrongToken } from "../steps/readOneTimeToken";
import { recordUnchecked } from "../steps/recordUnchecked";
import { reserveEmail } from "../steps/reserveEmail";

/**
 * Creates the user of a sign-up, and opens their session. It takes the mailed token, which shows that the
 * email is the caller's, and the password, which shows that the sign-up is the caller's. So a person can't
 * confirm by mistake a sign-up that a stranger has made with their email.
 *
 * @throws Refused (TOKEN_INVALID) where the token is expired, used or unknown, or a user has the email by
 * now.
 * @throws Unauthenticated (INVALID_CREDENTIALS) where the password is not that of the sign-up.
 * @throws RateLimited after too many tries.
 */
export async function verifyEmail(
  ctx: Context,
  token: string,
  password: string,
): Promise<Opened & { user: User }> {
  const hash = await readOneTimeToken(ctx, token);
  const found = await findSignUp(ctx.db, hash);
  if (!found) throw await wrongToken(ctx);
  const { passwordUnchecked, language, ...signUp } = found;
  if (!(await verifyPassword(signUp.passwordHash, password, ctx.request.ip))) {
    await wrongToken(ctx); // a wrong password counts as a wrong token
    throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
  }
  const user = await ctx.as(system(SIGN_UP)).transaction(async (tx) => {
    // Locked before any row of the sign-up: another one with the same email may be confirmed now too.
    await reserveEmail(tx, signUp.email);
    if (!(await redeemToken(tx.unrecorded("one_time_tokens"), "SIGN_UP", hash)))
      throw tokenInvalid();

    const user = await createUser(tx, { ...signUp, language: languageOf(language) });
    if (passwordUnchecked) await recordUnchecked(tx, user);
    return user;
  });
  const { passwordHash } = signUp;
  const methods = [SignInMethod.PASSWORD];
  const opened = await openSession(ctx, { ...user, emailVerified: true }, methods, {
    passwordHash,
  });
  return { user, ...opened };
}
