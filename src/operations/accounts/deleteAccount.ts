import type { Context } from "../../context/context";
import { Account } from "../../entities/Account";
import { Refusal, Refused } from "../../errors";

/**
 * Deletes an account for good: from this commit on, its members can see and use nothing in it. Their
 * other accounts are untouched, and its events stay readable to the operator (M10).
 *
 * @param name The account's name, which the caller types again as a confirmation.
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (BAD_USER_INPUT) for another name.
 */
export async function deleteAccount(
  ctx: Context,
  accountId: string,
  name: string,
): Promise<Account> {
  const access = await ctx.changing(accountId);
  return access.transactionOn(Account, accountId, async (tx, account) => {
    tx.authorize("delete", account);
    tx.requireFresh(account);
    if (name !== account.name) {
      throw new Refused(
        Refusal.BAD_USER_INPUT,
        "To delete the account, give its name exactly as it is.",
        ["name"],
      );
    }
    account.deletedAt = tx.now;
    await tx.save(account);
    await tx.record("account_deleted.v1", account);
    return account;
  });
}
