import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { SignInMethod } from "../../entities/Session";
import type { User } from "../../entities/User";
import { Unauthenticated } from "../../errors";
import { verifyPassword } from "../../identity/passwords";
import { languageOf } from "../../mails/languages";
import { SIGN_UP, system } from "../../principal";
import { recordUnchecked } from "../steps/choosePassword";
import {
  holdFreeEmail,
  type Opened,
  openSession,
  readOneTimeToken,
  tokenInvalid,
  wrongToken,
  WRONG_PASSWORD,
  addUser,
} from "../steps/proving";

interface SignUp {
  email: string;
  name: string;
  passwordHash: string;
  passwordUnchecked: boolean;
  /** In which it was signed up. */
  language: string | null;
}

/**
 * Creates the user of a sign-up, and opens their session. It takes the mailed token, which shows
 * that the email is theirs, and the password, which shows that the sign-up was: nobody confirms what
 * a stranger has prepared.
 *
 * @throws Refused (TOKEN_INVALID) when it is expired, used or unknown, or the email was taken since.
 * @throws Unauthenticated (INVALID_CREDENTIALS) for another password than was signed up with.
 * @throws RateLimited after too many tries.
 */
export async function verifyEmail(
  ctx: Context,
  token: string,
  password: string,
): Promise<Opened & { user: User }> {
  const hash = await readOneTimeToken(ctx, token);
  const live = sql`token_hash = ${hash} and purpose = 'SIGN_UP' and used_at is null
    and expires_at > now()`;
  const [found] = await ctx.db.query<SignUp>(sql`
    select email, name, password_hash as "passwordHash",
      password_unchecked as "passwordUnchecked", language
    from one_time_tokens where ${live}`);
  if (!found) throw await wrongToken(ctx);
  const { passwordUnchecked, language, ...signUp } = found;
  if (!(await verifyPassword(signUp.passwordHash, password, ctx.request.ip))) {
    await wrongToken(ctx); // counted as one
    throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
  }
  const user = await ctx.as(system(SIGN_UP)).transaction(async (tx) => {
    // Of two sign-ups with one email, one is first; before any row of theirs is taken.
    await holdFreeEmail(tx, signUp.email);
    const used = await tx.unrecorded("one_time_tokens").query(sql`
      update one_time_tokens set used_at = now() where ${live} returning id`);
    if (!used.length) throw tokenInvalid();

    const user = await addUser(tx, { ...signUp, language: languageOf(language) });
    if (passwordUnchecked) await recordUnchecked(tx, user);
    return user;
  });
  const opened = await openSession(ctx, { ...user, emailVerified: true }, [SignInMethod.PASSWORD]);
  return { user, ...opened };
}
