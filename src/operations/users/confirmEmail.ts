import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { User } from "../../entities/User";
import { queueMail } from "../../mails/queueMail";
import { lockSelf } from "../steps/lockSelf";
import { readOneTimeToken, tokenInvalid, wrongToken } from "../steps/readOneTimeToken";
import { reserveEmail } from "../steps/reserveEmail";

/**
 * Has the caller sign in with another address from now on, by the token that was mailed to it, and
 * tells the address before. It takes their session as well: whoever owns a mistyped address must not
 * get a user with its link.
 *
 * @throws Refused (TOKEN_INVALID) when it is expired, used, unknown or for another user, or the
 * address was taken since.
 * @throws Forbidden for an API key.
 */
export async function confirmEmail(ctx: Context, token: string): Promise<User> {
  const { id: userId, sessionId } = ctx.principal;
  const hash = await readOneTimeToken(ctx, token);
  const live = sql`token_hash = ${hash} and purpose = 'UPDATE_EMAIL' and user_id = ${userId}
    and used_at is null and expires_at > now()`;
  const found = await ctx.db.query(sql`select from one_time_tokens where ${live}`);
  if (sessionId && !found.length) throw await wrongToken(ctx);
  const user = await ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    const [used] = await tx.query<{ email: string }>(sql`
      update one_time_tokens set used_at = now() where ${live} returning email`);
    if (!used) throw tokenInvalid();
    const { email } = used;
    await reserveEmail(tx, email);

    const before = user.email;
    user.email = email;
    user.emailVerifiedAt = tx.now;
    await tx.save(user);
    await tx.record("user_email_updated.v1", user);
    // Links that went to the address before, and sign-ups with this one.
    await tx.query(sql`
      delete from one_time_tokens where (user_id = ${userId} and purpose = 'RESET_PASSWORD')
        or (email = ${email} and purpose = 'SIGN_UP')`);
    const at = tx.now.toISOString();
    const { ip } = ctx.request;
    await queueMail(tx, { kind: "email_changed", email: before, userId, at, ip });
    return user;
  });
  ctx.become({ ...ctx.principal, subject: user.email, emailVerified: true });
  return user;
}
