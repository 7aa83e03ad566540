import type { Context } from "../../context/context";
import type { Account } from "../../entities/Account";
import { foundAccount } from "../steps/foundAccount";
import { nameFrom } from "../steps/lineFrom";

/**
 * Creates an account, with the caller as its first administrator (M1).
 *
 * @throws Forbidden for an API key, and for a user whose email is not verified.
 * @throws Refused (BAD_USER_INPUT) for a name that is empty or too long.
 */
export async function createAccount(ctx: Context, name: string): Promise<Account> {
  return ctx.self.transaction((tx) => foundAccount(tx, nameFrom(name, ["name"]), tx.principal.id));
}
