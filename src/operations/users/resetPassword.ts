import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { User } from "../../entities/User";
import { findToken, redeemToken, voidResets } from "../../identity/oneTimeTokens";
import { forgivePassword } from "../../identity/throttle";
import { choosePassword } from "../steps/choosePassword";
import { type Claimant, claimantAs } from "../steps/claimant";
import { endSessions } from "../steps/endSessions";
import { linkedProviders } from "../steps/linkedProviders";
import { queueNotice } from "../steps/queueNotice";
import { readOneTimeToken, tokenInvalid, wrongToken } from "../steps/readOneTimeToken";
import { recordUnchecked } from "../steps/recordUnchecked";

/**
 * Sets a new password with the token of a mailed link, and ends all of the user's sessions (U5).
 * It opens no session: the user has to sign in after it, with their second factor.
 *
 * @throws Refused (TOKEN_INVALID); (WEAK_PASSWORD, BAD_USER_INPUT), after which the link still works.
 */
export async function resetPassword(
  ctx: Context,
  text: string,
  newPassword: string,
): Promise<User> {
  const hash = await readOneTimeToken(ctx, text);
  const token = await findToken(ctx.db, "RESET_PASSWORD", hash);
  const [found] = await ctx.db.query<Claimant>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified"
    from users where id = ${token?.userId} and email = ${token?.email}`);
  if (!found) throw await wrongToken(ctx);
  const { passwordHash, unchecked } = await choosePassword(
    ctx,
    newPassword,
    ["newPassword"],
    found,
  );

  const user = await ctx.as(claimantAs(found)).transaction(async (tx) => {
    const user = await tx.lock(User, found.id);
    const tokens = tx.unrecorded("one_time_tokens");
    if (!(await redeemToken(tokens, "RESET_PASSWORD", hash))) throw tokenInvalid();
    await voidResets(tokens, user); // all other links that were requested
    tx.authorize("update", user);
    user.passwordHash = passwordHash;
    user.emailVerifiedAt ??= tx.now; // the link came by mail
    await tx.save(user);
    await tx.record("user_password_reset.v1", user);
    if (unchecked) await recordUnchecked(tx, user);
    await endSessions(tx, null);
    await queueNotice(tx, ctx, "passwordReset", await linkedProviders(tx));
    return user;
  });
  await forgivePassword(ctx.db, user.email);
  return user;
}
