import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { Account } from "../../entities/Account";
import type { User } from "../../entities/User";
import { Refusal, Refused } from "../../errors";
import { choosePassword } from "../steps/choosePassword";
import { createUser } from "../steps/createUser";
import { emailFrom } from "../steps/emailFrom";
import { foundAccount } from "../steps/foundAccount";
import { nameFrom } from "../steps/lineFrom";
import { recordUnchecked } from "../steps/recordUnchecked";

/**
 * Creates the first user and their account, for the operator of an empty database. The email counts as
 * confirmed, as the operator has given it. Of several calls at the same time, one succeeds.
 *
 * @throws Refused (CONFLICT) where a user exists; (BAD_USER_INPUT, WEAK_PASSWORD) for the input.
 */
export async function createAdministrator(
  ctx: Context,
  input: { email: string; name: string; account: string; password: string },
): Promise<{ user: User; account: Account }> {
  const email = emailFrom(input.email, ["email"]);
  const name = nameFrom(input.name, ["name"]);
  const accountName = nameFrom(input.account, ["account"]);
  const whose = { name, email, accounts: [accountName] };
  const { passwordHash, unchecked } = await choosePassword(
    ctx,
    input.password,
    ["password"],
    whose,
  );
  return ctx.self.transaction(async (tx) => {
    // There is no row to lock, so the table is: no other transaction creates a user until this one ends.
    await tx.query(sql`lock table users in share row exclusive mode`);
    const [someone] = await tx.query(sql`select from users limit 1`);
    if (someone) {
      throw new Refused(
        Refusal.CONFLICT,
        "This database has users already, so the first administrator can't be created here. Sign up " +
          "(`signUp`), and create an account (`createAccount`).",
      );
    }
    const user = await createUser(tx, {
      email,
      name,
      passwordHash,
      language: ctx.browser.language,
    });
    if (unchecked) await recordUnchecked(tx, user);
    return { user, account: await foundAccount(tx, accountName, user.id) };
  });
}
