import type { Context } from "../../context/context";
import { databaseTime } from "../../identity/oneTimeTokens";
import { newId } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { countMail } from "../steps/countMail";
import { emailFrom } from "../steps/emailFrom";

/**
 * Mails a link to choose a new password. The job that writes the mail looks up whether the email has a
 * user, so the answer's time does not depend on it (U3). The mail says so where there is no user, and
 * where the user has no password (U6).
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
