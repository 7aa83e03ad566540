import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused } from "../../errors";
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
  // By whom it is mailed to, whichever sign-up of theirs it is.
  const [known] = await ctx.db.query<{ email: string }>(sql`
    select email from one_time_tokens where id = ${signUpId}`);
  await countMail(ctx, known?.email ?? signUpId);
  await queueMail(ctx.db, { kind: "sign_up", id: signUpId });
  return signUpId;
}
