import type { Context } from "../../context";
import { queueMail } from "../../mail";
import { countMail, emailFrom } from "../invariants";

/** Mails the link of the latest sign-up again; the one before is void. @throws RateLimited. */
export async function resendVerification(ctx: Context, text: string): Promise<string> {
  const email = emailFrom(text, ["email"]);
  await countMail(ctx, email);
  await queueMail(ctx.db, { kind: "resend_verification", email });
  return email;
}
