import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { newId } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { choosePassword } from "../steps/choosePassword";
import { countMail } from "../steps/countMail";
import { emailFrom } from "../steps/emailFrom";
import { nameFrom } from "../steps/nameFrom";

const LASTS_MS = 24 * 60 * 60 * 1000;
/** Those nobody needs any more are swept up by those who come after, a few at a time. */
const SWEPT_AT_ONCE = 10;

/**
 * Keeps a sign-up until its email is confirmed, and mails the link for that. There is no user
 * before: nobody signs in, or holds an email, that they have not shown to be theirs. A taken email
 * takes the same statements; the mail says what happened (U3).
 *
 * @throws Refused (BAD_USER_INPUT, WEAK_PASSWORD) for what can't be used; RateLimited.
 */
export async function signUp(
  ctx: Context,
  input: { email: string; password: string; name: string },
): Promise<{ email: string; signUpId: string }> {
  const email = emailFrom(input.email, ["email"]);
  const name = nameFrom(input.name, ["name"]);
  const { passwordHash, unchecked } = await choosePassword(
    ctx,
    input.password,
    ["password"],
    { name, email },
    () => countMail(ctx, email),
  );
  const signUpId = newId("OneTimeToken");
  const now = new Date();
  await ctx.db.transaction(async (connection) => {
    await connection.query(sql`
      with swept as (
        delete from one_time_tokens where id in (
          select id from one_time_tokens where expires_at < now() - interval '7 days'
          order by expires_at limit ${SWEPT_AT_ONCE}::int for update skip locked))
      insert into one_time_tokens
        (id, purpose, email, name, password_hash, password_unchecked, language, expires_at,
          created_at)
      values (${signUpId}, 'SIGN_UP', ${email}, ${name}, ${passwordHash}, ${unchecked},
        ${ctx.language()}, ${new Date(now.getTime() + LASTS_MS)}, ${now})`);
    await queueMail(connection, { kind: "sign_up", id: signUpId });
  });
  return { email, signUpId };
}
