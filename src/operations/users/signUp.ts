import type { Context } from "../../context/context";
import { keepSignUp } from "../../identity/oneTimeTokens";
import { newId } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { choosePassword } from "../steps/choosePassword";
import { countMail } from "../steps/countMail";
import { emailFrom } from "../steps/emailFrom";
import { nameFrom } from "../steps/lineFrom";

/**
 * Stores a sign-up until its email is confirmed, and mails a link for that. The user is created only
 * then, so a stranger's sign-up can't occupy an email or sign in with it. An email that has a user runs the
 * same statements, and the mail says so (U3).
 *
 * @throws Refused (BAD_USER_INPUT, WEAK_PASSWORD); RateLimited.
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
    () => countMail(ctx, "sign_up", email),
  );
  const signUpId = newId("OneTimeToken");
  await ctx.db.transaction(async (connection) => {
    const signUp = {
      email,
      name,
      passwordHash,
      passwordUnchecked: unchecked,
      language: ctx.browser.language,
    };
    const requestedAt = await keepSignUp(connection, signUpId, signUp);
    await queueMail(connection, { kind: "sign_up", id: signUpId, requestedAt });
  });
  return { email, signUpId };
}
