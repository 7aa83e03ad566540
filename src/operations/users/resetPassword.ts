import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { User } from "../../entities/User";
import { choosePassword } from "../steps/choosePassword";
import { type Claimant, claimantAs } from "../steps/claimant";
import { endSessions } from "../steps/endSessions";
import { linkedProviders } from "../steps/linkedProviders";
import { queueNotice } from "../steps/queueNotice";
import { readOneTimeToken, tokenInvalid, wrongToken } from "../steps/readOneTimeToken";
import { recordUnchecked } from "../steps/recordUnchecked";

/**
 * Sets a new password with the token of a mailed link, and ends all of the user's sessions (U5).
 * It opens none: whoever has the mail alone still signs in, second factor included.
 *
 * @throws Refused (TOKEN_INVALID; WEAK_PASSWORD and BAD_USER_INPUT, which leave the link as it is).
 */
export async function resetPassword(
  ctx: Context,
  token: string,
  newPassword: string,
): Promise<User> {
  const hash = await readOneTimeToken(ctx, token);
  const live = sql`t.token_hash = ${hash} and t.purpose = 'RESET_PASSWORD' and t.used_at is null
    and t.expires_at > now()`;
  const [found] = await ctx.db.query<Claimant>(sql`
    select u.id, u.email, u.name, u.email_verified_at is not null as "emailVerified"
    from one_time_tokens t join users u on u.id = t.user_id and u.email = t.email where ${live}`);
  if (!found) throw await wrongToken(ctx);
  const { passwordHash, unchecked } = await choosePassword(
    ctx,
    newPassword,
    ["newPassword"],
    found,
  );

  const user = await ctx.as(claimantAs(found)).transaction(async (tx) => {
    const user = await tx.lock(User, found.id);
    const used = await tx.query(sql`
      update one_time_tokens t set used_at = now() where ${live} returning id`);
    if (!used.length) throw tokenInvalid();
    tx.authorize("update", user);
    user.passwordHash = passwordHash;
    user.emailVerifiedAt ??= tx.now; // they have just read its mail
    await tx.save(user);
    await tx.record("user_password_reset.v1", user);
    if (unchecked) await recordUnchecked(tx, user);
    await endSessions(tx, null);
    await queueNotice(tx, ctx, "passwordReset", await linkedProviders(tx));
    return user;
  });
  return user;
}
