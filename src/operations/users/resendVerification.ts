import type { Context } from "../../context/context";
import { Refusal, Refused } from "../../errors";
import { requestAgain } from "../../identity/oneTimeTokens";
import { kindOf } from "../../ids";
import { queueMail } from "../../mails/queueMail";
import { countMail } from "../steps/countMail";

/**
 * Mails the link of a sign-up again; the one before is void. By the sign-up and not by the email,
 * with which a stranger may have signed up since.
 *
 * @throws RateLimited. An unknown sign-up, or one that is over, is answered alike.
 */
export async function resendVerification(ctx: Context, signUpId: string): Promise<string> {
  if (kindOf(signUpId) !== "OneTimeToken") {
    throw new Refused(Refusal.BAD_USER_INPUT, "This is no ID of a sign-up.", ["signUpId"]);
  }
  // By the ID as it was sent: a count of the address would tell whether the sign-up is still there,
  // and it is deleted once its email has a user (U3).
  await countMail(ctx, "sign_up", signUpId);
  await ctx.db.transaction(async (connection) => {
    const requestedAt = await requestAgain(connection, signUpId);
    await queueMail(connection, { kind: "sign_up", id: signUpId, requestedAt });
  });
  return signUpId;
}
