import type { Context } from "../../context/context";
import { databaseTime } from "../../identity/oneTimeTokens";
import { newId } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { countMail } from "../steps/countMail";
import { emailFrom } from "../steps/emailFrom";

/**
 * Mails a link to choose a new password with. Whether the email has a user is not looked up
 * before the answer (U3); the mail says so, also where the user has no password (U6).
 *
 * @throws RateLimited.
 */
export async function requestPasswordReset(ctx: Context, text: string): Promise<string> {
  const email = emailFrom(text, ["email"]);
  await countMail(ctx, "reset_password", email);
  await queueMail(ctx.db, {
    kind: "reset_password",
    id: newId("OneTimeToken"),
    requestedAt: await databaseTime(ctx.db),
    email,
    language: ctx.browser.language,
    ip: ctx.request.ip,
    device: ctx.browser.deviceHash?.toString("base64url") ?? null,
  });
  return email;
}
