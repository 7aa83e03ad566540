import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused } from "../../errors";
import { emailFrom } from "./emailFrom";

/** Finds whom the operator names. @throws Refused (BAD_USER_INPUT) where there is no such user. */
export async function findUser(ctx: Context, email: string): Promise<{ id: string }> {
  const [found] = await ctx.db.query<{ id: string }>(sql`
    select id from users where email = ${emailFrom(email, ["email"])}`);
  if (found) return found;
  const message = `No user has the email ${email}. Give it as they sign in with it.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, ["email"]);
}
