import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { User } from "../../entities/User";
import { Refusal, Refused } from "../../errors";
import { forgivePassword } from "../../identity/throttle";
import { choosePassword, type Chosen } from "../steps/choosePassword";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";
import { recordUnchecked } from "../steps/recordUnchecked";

/**
 * Sets a first password for the caller, who has signed in without one (U6). Their sessions stay open, as
 * none was opened with an older password.
 *
 * @throws Refused (WEAK_PASSWORD, BAD_USER_INPUT); (CONFLICT) where the caller has a password.
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 */
export async function setPassword(ctx: Context, newPassword: string): Promise<User> {
  const { id, sessionId, name, subject: email } = ctx.principal;
  const whose = { id, name, email };
  const chosen = sessionId && (await choosePassword(ctx, newPassword, ["newPassword"], whose));
  const user = await ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    tx.requireFresh(user);
    const [has] = await tx.query(sql`
      select from users where id = ${id} and password_hash is not null`);
    if (has) {
      throw new Refused(
        Refusal.CONFLICT,
        "You have a password already. Change it with `updatePassword`.",
      );
    }
    const { passwordHash, unchecked } = chosen as Chosen; // a caller without a session was refused above
    user.passwordHash = passwordHash;
    await tx.save(user);
    await tx.record("user_password_set.v1", user);
    if (unchecked) await recordUnchecked(tx, user);
    await queueNotice(tx, ctx, "passwordSet");
    return user;
  });
  await forgivePassword(ctx.db, user.email);
  return user;
}
