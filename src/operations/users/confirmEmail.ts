import type { Context } from "../../context/context";
import type { User } from "../../entities/User";
import { findToken, redeemToken, voidResets, voidSignUps } from "../../identity/oneTimeTokens";
import { queueMail } from "../../mails/queueMail";
import { lockSelf } from "../steps/lockSelf";
import { readOneTimeToken, tokenInvalid, wrongToken } from "../steps/readOneTimeToken";
import { reserveEmail } from "../steps/reserveEmail";

/**
 * Changes the caller's email to the address that the token was mailed to, and mails a notice to the old
 * address. It takes the caller's session too: if the caller has mistyped the address, its owner must not
 * get the user with the link.
 *
 * @throws Refused (TOKEN_INVALID) where the token is expired, used, unknown or for another user, or
 * another user has the address by now.
 * @throws Forbidden for an API key.
 */
export async function confirmEmail(ctx: Context, token: string): Promise<User> {
  const { id: userId, sessionId } = ctx.principal;
  const hash = await readOneTimeToken(ctx, token);
  const found = await findToken(ctx.db, "UPDATE_EMAIL", hash);
  const theirs = found?.userId === userId;
  if (sessionId && !theirs) throw await wrongToken(ctx);
  const user = await ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    const tokens = tx.unrecorded("one_time_tokens");
    if (!theirs || !(await redeemToken(tokens, "UPDATE_EMAIL", hash))) throw tokenInvalid();
    const { email } = found;
    await reserveEmail(tx, email);

    const before = user.email;
    user.email = email;
    user.emailVerifiedAt = tx.now;
    await tx.save(user);
    await tx.record("user_email_updated.v1", user);
    await voidResets(tokens, { id: userId, email: before }); // their links went to the old address
    await voidSignUps(tokens, email);
    const at = tx.now.toISOString();
    const { ip } = ctx.request;
    await queueMail(tx, { kind: "email_changed", email: before, userId, at, ip });
    return user;
  });
  ctx.become({ ...ctx.principal, subject: user.email, emailVerified: true });
  return user;
}
