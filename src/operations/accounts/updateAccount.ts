import type { Context } from "../../context";
import { Account } from "../../entities/Account";
import { nameFrom } from "../invariants";

/** Changes what is given. Giving what is there already changes nothing and records nothing. */
export async function updateAccount(
  ctx: Context,
  accountId: string,
  { name }: { name?: string | null | undefined },
): Promise<Account> {
  const access = await ctx.in(accountId);
  return access.transaction(async (tx) => {
    const account = await tx.lock(Account, accountId);
    tx.authorize("update", account);
    const wanted = name === undefined ? account.name : nameFrom(name ?? "", ["name"]);
    if (wanted === account.name) return account;

    account.name = wanted;
    await tx.save(account);
    await tx.record("account_updated.v1", account);
    return account;
  });
}
