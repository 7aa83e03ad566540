import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { verifyPassword } from "../../identity/passwords";
import { tryAt } from "./tryAt";

export const WRONG_PASSWORD = "The password is wrong.";

/**
 * Checks the password of the caller, who proves by it that the session is theirs. Returns the hash that
 * matched.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS); RateLimited after too many wrong passwords.
 * @throws Refused (PASSWORD_NOT_SET) for a user without a password.
 */
export async function assertPassword(ctx: Context, password: string): Promise<string> {
  const { principal: who } = ctx;
  const [user] = await ctx.db.query<{ email: string; hash: string | null }>(sql`
    select email, password_hash as hash from users where id = ${who.id}`);
  const { email, hash } = user!;
  if (hash === null) throw passwordNotSet();
  return tryAt(ctx, { secret: "password", purpose: "re-authentication", email, who }, async () => {
    if (await verifyPassword(hash, password, ctx.request.ip)) return hash;
    throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
  });
}

export function passwordNotSet(): Refused {
  return new Refused(
    Refusal.PASSWORD_NOT_SET,
    "You have no password yet. Sign in again as you usually do, then set one with `setPassword`.",
  );
}
