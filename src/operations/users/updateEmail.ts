import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { keepEmailChange } from "../../identity/oneTimeTokens";
import { newId } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { countMail } from "../steps/countMail";
import { emailFrom } from "../steps/emailFrom";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";

/**
 * Mails a link to the address that the caller wants to sign in with. Nothing changes before
 * `confirmEmail`. If another user has the address, only the mail to that user says so (U3). To ask again
 * voids the last link.
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (BAD_USER_INPUT) for a text that is no address, or the caller's own; RateLimited.
 */
export async function updateEmail(ctx: Context, text: string): Promise<string> {
  const { id: userId, sessionId } = ctx.principal;
  const email = emailFrom(text, ["email"]);
  if (sessionId) await countMail(ctx, "update_email", email);
  await ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    tx.requireFresh(user);
    if (email === user.email) {
      throw new Refused(
        Refusal.BAD_USER_INPUT,
        "This is your email address already. Enter another one.",
        ["email"],
      );
    }
    const id = newId("OneTimeToken");
    await keepEmailChange(tx.unrecorded("one_time_tokens"), id, userId, email, tx.now);
    await queueMail(tx, { kind: "update_email", id });
    await queueNotice(tx, ctx, "emailChangeRequested");
  });
  return email;
}
