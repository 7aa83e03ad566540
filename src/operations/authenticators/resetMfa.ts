import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Account } from "../../entities/Account";
import { Authenticator } from "../../entities/Authenticator";
import { Membership } from "../../entities/Membership";
import type { User } from "../../entities/User";
import { Refusal, Refused } from "../../errors";
import { voidPendingProofs } from "../../identity/oneTimeTokens";
import { emailFrom } from "../steps/emailFrom";
import { lockNamed } from "../steps/lockNamed";
import { queueNotice } from "../steps/queueNotice";
import { reasonFrom } from "../steps/reasonFrom";
import { removeAuthenticator } from "../steps/removeAuthenticator";

/**
 * Turns off the second factor of a user who has lost their device and their recovery codes (T6). The
 * operator has made sure that it is this user who asks. Each account of the user gets an event, and the
 * user gets a mail; both have the reason.
 *
 * @throws Refused (BAD_USER_INPUT) for an unknown email or an unusable reason; (CONFLICT) where the user
 * has no second factor.
 */
export async function resetMfa(
  ctx: Context,
  input: { email: string; reason: string },
): Promise<{ user: User; members: Membership[] }> {
  const reason = reasonFrom(input.reason);
  const email = emailFrom(input.email, ["email"]);
  return ctx.self.transaction(async (tx) => {
    // Every transaction locks accounts before other rows, in one order, so that there is no deadlock.
    await tx.rows(
      Account,
      sql`row.deleted_at is null and row.id in (
        select m.account_id from memberships m join users u on u.id = m.user_id
        where u.email = ${email} and m.removed_at is null)`,
    );
    const user = await lockNamed(tx, email);
    const { id } = user;
    tx.authorize("resetMfa", user);
    const authenticators = await tx.rows(
      Authenticator,
      sql`row.user_id = ${id} and row.removed_at is null`,
    );
    if (!user.mfaEnabledAt && !authenticators.length) {
      const message = `${user.email} has no second factor: signing in takes no code. Nothing was changed.`;
      throw new Refused(Refusal.CONFLICT, message);
    }

    tx.tell({ reason });
    for (const row of authenticators) await removeAuthenticator(tx, row);
    user.mfaEnabledAt = null;
    await tx.save(user);
    await tx.record("mfa_reset.v1", user);
    await voidPendingProofs(tx.unrecorded("one_time_tokens"), id);
    const members = await tx.rows(
      Membership,
      // An account that the user created since then is not locked. It gets an event too.
      sql`row.user_id = ${id} and row.removed_at is null and exists (
        select from accounts a where a.id = row.account_id and a.deleted_at is null)`,
    );
    tx.entail("resetMfa", members, user);
    await tx.note("member_mfa_reset.v1", ...members);
    await queueNotice(tx, ctx, "mfaReset", reason, id);
    return { user, members };
  });
}
