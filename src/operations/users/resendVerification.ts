import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { requestAgain } from "../../identity/oneTimeTokens";
import { kindOf } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { countMail } from "../steps/countMail";

/**
 * Mails a new link for a sign-up, which voids the old one. The caller names the sign-up and not the
 * email, as a stranger may have signed up with the same email.
 *
 * An unknown or finished sign-up gets the same answer (U3).
 *
 * @throws Refused (BAD_USER_INPUT) for a text that is no ID of a sign-up; RateLimited.
 */
export async function resendVerification(ctx: Context, signUpId: string): Promise<string> {
  if (kindOf(signUpId) !== "OneTimeToken") {
    throw new Refused(Refusal.BAD_USER_INPUT, "This is not the ID of a sign-up.", ["signUpId"]);
  }
  // Counted by the ID that the caller sent. A count by the address would tell whether the sign-up still
  // exists: it is deleted when a user gets its email (U3).
  await countMail(ctx, "sign_up", signUpId);
  await ctx.db.transaction(async (connection) => {
    const requestedAt = await requestAgain(connection, signUpId);
    await queueMail(connection, { kind: "sign_up", id: signUpId, requestedAt });
  });
  return signUpId;
}
