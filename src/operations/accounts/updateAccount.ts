import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import { Account } from "../../entities/Account";
import { Refusal, Refused } from "../../errors";
import { nameFrom } from "../steps/lineFrom";

/**
 * Changes the settings that are given. It records nothing where they have these values already.
 *
 * @throws Forbidden for a change of how members get in: for an API key, or without a fresh proof
 * (REAUTHENTICATION_REQUIRED).
 * @throws Refused (WOULD_LOCK_OUT) for requiring a second factor that the caller does not have.
 */
export async function updateAccount(
  ctx: Context,
  accountId: string,
  changes: { name?: string | null | undefined; mfaRequired?: boolean | null | undefined },
): Promise<Account> {
  const access = await ctx.changing(accountId);
  return access.transactionOn(Account, accountId, async (tx, account) => {
    tx.authorize("update", account);
    const { name, mfaRequired } = account;
    const wanted = {
      name: changes.name === undefined ? name : nameFrom(changes.name ?? "", ["name"]),
      // `null` clears it: that is its default, false.
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
    "You would lose your own access. Turn on two-factor authentication for yourself first.",
    ["mfaRequired"],
  );
}
