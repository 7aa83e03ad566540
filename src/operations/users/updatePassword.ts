import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { User } from "../../entities/User";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { voidResets } from "../../identity/oneTimeTokens";
import { normal } from "../../identity/passwords";
import { forgivePassword } from "../../identity/throttle";
import { assertPassword, WRONG_PASSWORD } from "../steps/assertPassword";
import { choosePassword, type Chosen } from "../steps/choosePassword";
import { endSessions } from "../steps/endSessions";
import { linkedProviders } from "../steps/linkedProviders";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";
import { recordUnchecked } from "../steps/recordUnchecked";

/**
 * Changes the caller's password, and ends their other sessions, in which an intruder may be (U7).
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS) where the current password is wrong; RateLimited after
 * too many wrong ones.
 * @throws Refused (WEAK_PASSWORD, BAD_USER_INPUT) for a new password that is easy to guess, too short,
 * too long or the current one.
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED): where a second
 * factor is on, the password alone is no proof.
 */
export async function updatePassword(
  ctx: Context,
  currentPassword: string,
  newPassword: string,
): Promise<User> {
  const { id, sessionId, name, subject: email } = ctx.principal;
  const field = ["newPassword"];
  let current: string | null = null;
  let chosen: Chosen | null = null;
  if (sessionId) {
    const whose = { id, name, email };
    chosen = await choosePassword(ctx, newPassword, field, whose, async () => {
      current = await assertPassword(ctx, currentPassword);
      if (normal(newPassword) === normal(currentPassword)) {
        const message = "This is your password already. Choose another one.";
        throw new Refused(Refusal.BAD_USER_INPUT, message, field);
      }
    });
  }
  const user = await ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    tx.requireFresh(user);
    const [same] = await tx.query(sql`
      select from users where id = ${id} and password_hash = ${current}`);
    // The password was changed since it was checked, so the caller has typed an old one.
    if (!same) throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
    const { passwordHash, unchecked } = chosen!;
    user.passwordHash = passwordHash;
    await tx.save(user);
    await tx.record("user_password_updated.v1", user);
    if (unchecked) await recordUnchecked(tx, user);
    await endSessions(tx, sessionId);
    await voidResets(tx.unrecorded("one_time_tokens"), user); // a link to reset the password would undo this
    await queueNotice(tx, ctx, "passwordChanged", await linkedProviders(tx));
    return user;
  });
  await forgivePassword(ctx.db, user.email);
  return user;
}
