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
 * Creates the first user and their account, for the operator of a database that is still empty: their
 * email counts as confirmed, for the operator vouches for it. Of several at once, one is first.
 *
 * @throws Refused (CONFLICT) where there are users; (BAD_USER_INPUT, WEAK_PASSWORD) for the input.
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
    // No row is there to hold: nobody else makes a user until this one is made.
    await tx.query(sql`lock table users in share row exclusive mode`);
    const [someone] = await tx.query(sql`select from users limit 1`);
    if (someone) {
      throw new Refused(
        Refusal.CONFLICT,
        "This database has users, so it has had its first administrator. Sign up (`signUp`), and " +
          "create an account (`createAccount`).",
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
