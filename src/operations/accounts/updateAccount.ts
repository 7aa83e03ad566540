import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Account } from "../../entities/Account";
import { Refusal, Refused } from "../../errors";
import { nameFrom } from "../steps/lineFrom";

/**
 * Changes what is given. Giving what is there already changes nothing and records nothing.
 *
 * @throws Forbidden (REAUTHENTICATION_REQUIRED) where how people get in changes;
 * never by an API key.
 * @throws Refused (WOULD_LOCK_OUT) for requiring of others what the caller does not have.
 */
export async function updateAccount(
  ctx: Context,
  accountId: string,
  changes: { name?: string | null | undefined; mfaRequired?: boolean | null | undefined },
): Promise<Account> {
  const access = await ctx.changing(accountId);
  return access.transaction(async (tx) => {
    const account = await tx.lock(Account, accountId);
    tx.authorize("update", account);
    const { name, mfaRequired } = account;
    const wanted = {
      name: changes.name === undefined ? name : nameFrom(changes.name ?? "", ["name"]),
      // Cleared, it is what it is by itself.
      mfaRequired: changes.mfaRequired === undefined ? mfaRequired : (changes.mfaRequired ?? false),
    };
    if (wanted.mfaRequired !== mfaRequired) {
      tx.authorize("updateSignInPolicy", account);
      tx.requireFresh(account);
    }
    if (wanted.mfaRequired && !mfaRequired) await assertSecondFactor(tx);
    if (wanted.name === name && wanted.mfaRequired === mfaRequired) return account;

    Object.assign(account, wanted);
    await tx.save(account);
    await tx.record("account_updated.v1", account);
    return account;
  });
}

async function assertSecondFactor(tx: Transaction): Promise<void> {
  const on = await tx.query(sql`
    select from users where id = ${tx.principal.id} and mfa_enabled_at is not null`);
  if (on.length) return;
  throw new Refused(
    Refusal.WOULD_LOCK_OUT,
    "You would not get in yourself. Turn on two-factor authentication for yourself first.",
    ["mfaRequired"],
  );
}
