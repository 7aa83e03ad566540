import type { Context } from "../../context/context";
import { Account } from "../../entities/Account";
import { Refusal, Refused } from "../../errors";

/**
 * Closes an account for good: from this commit on nothing in it can be seen or used. Its
 * members' other accounts are untouched, and its events stay for the operator (M10).
 *
 * @param name The account's name, typed again by whoever means it.
 * @throws Forbidden (REAUTHENTICATION_REQUIRED) for a session that was not proven of late; for an
 * API key always.
 * @throws Refused (BAD_USER_INPUT) when it isn't the name.
 */
export async function deleteAccount(
  ctx: Context,
  accountId: string,
  name: string,
): Promise<Account> {
  const access = await ctx.changing(accountId);
  return access.transaction(async (tx) => {
    const account = await tx.lock(Account, accountId);
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
