import type { Context } from "../../context";
import { sql } from "../../database/sql";
import { User } from "../../entities/User";
import { newId } from "../../ids";
import { system } from "../../principal";
import { forgiveToken, readOneTimeToken, tokenInvalid } from "../invariants";

/**
 * Creates the user of a sign-up with the token that was mailed to them.
 *
 * @throws Refused (TOKEN_INVALID) when it is expired, used or unknown, or the email was taken since.
 */
export async function verifyEmail(ctx: Context, token: string): Promise<User> {
  const hash = await readOneTimeToken(ctx, token);
  const user = await ctx.as(system("sign-up")).transaction(async (tx) => {
    const [found] = await tx.query<{ email: string }>(sql`
      select email from one_time_tokens where token_hash = ${hash}`);
    if (!found) throw tokenInvalid();
    // Of two sign-ups with one email, one is first; before any row of theirs is taken.
    await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${found.email}, 0))`);
    const [signUp] = await tx.query<{ email: string; name: string; passwordHash: string }>(sql`
      update one_time_tokens set used_at = now()
      where token_hash = ${hash} and purpose = 'SIGN_UP' and used_at is null and expires_at > now()
      returning email, name, password_hash as "passwordHash"`);
    if (!signUp) throw tokenInvalid();
    const taken = await tx.query(sql`select from users where email = ${signUp.email}`);
    if (taken.length) throw tokenInvalid();

    const user = Object.assign(new User(), {
      id: newId("User"),
      ...signUp,
      emailVerifiedAt: tx.now,
      createdAt: tx.now,
    });
    tx.authorize("create", user);
    await tx.save(user);
    await tx.record("user_created.v1", user);
    // Whoever else signed up with it did not show that it is theirs.
    await tx.query(sql`
      delete from one_time_tokens where email = ${signUp.email} and purpose = 'SIGN_UP'`);
    return user;
  });
  forgiveToken(ctx);
  return user;
}
