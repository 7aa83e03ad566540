import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { Authenticator } from "../../entities/Authenticator";
import { Refusal, Refused } from "../../errors";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";
import { removeAuthenticator } from "../steps/removeAuthenticator";
import { removePending } from "../steps/removePending";
import { tryCode } from "../steps/tryCode";
import { useCode } from "../steps/useCode";

/**
 * Turns the second factor off, with a code of the app or a recovery code (T4).
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) where it is off; (MFA_REQUIRED_BY_ACCOUNT) where an account of the caller
 * requires it.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function disableTotp(ctx: Context, code: string): Promise<Authenticator> {
  const disable = async (tx: Transaction) => {
    const user = await lockSelf(tx);
    tx.requireFresh(user);
    const authenticator = await lockAuthenticator(tx);
    if (!authenticator) {
      throw new Refused(Refusal.CONFLICT, "The second factor is off already.");
    }
    await assertNotRequired(tx);
    await useCode(tx, ctx, authenticator, code);
    await removeAuthenticator(tx, authenticator);
    await removePending(tx, user.id);
    user.mfaEnabledAt = null;
    await tx.save(user);
    await tx.record("mfa_disabled.v1", user);
    await queueNotice(tx, ctx, "mfaDisabled");
    return authenticator;
  };
  // Locks the accounts first: one of them may be about to require a second factor.
  return tryCode(ctx, "re-authentication", () => ctx.self.transaction(disable, { accounts: true }));
}

async function assertNotRequired(tx: Transaction): Promise<void> {
  const accounts = await tx.query<{ name: string }>(sql`
    select a.name from memberships m join accounts a on a.id = m.account_id
    where m.user_id = ${tx.principal.id} and m.removed_at is null and a.deleted_at is null
      and a.mfa_required
    order by m.id limit 100`);
  if (accounts.length === 0) return;
  const names = new Intl.ListFormat("en").format(accounts.map(({ name }) => `"${name}"`));
  throw new Refused(
    Refusal.MFA_REQUIRED_BY_ACCOUNT,
    `Two-factor authentication is required by ${names}. Leave first, or set up another app instead: call \`enrollTotp\`.`,
  );
}
