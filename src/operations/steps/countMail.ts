import type { Context } from "../../context/context";
import { countTry } from "../../identity/throttle";

/** Counts a request for a mail: nobody is sent many, and nobody has many sent. @throws RateLimited. */
export async function countMail(ctx: Context, to: string): Promise<void> {
  await countTry(ctx.db, { secret: "mail", email: to, ip: ctx.request.ip });
}
