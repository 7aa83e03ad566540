import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { SignInMethod } from "../../entities/Session";
import { User } from "../../entities/User";
import { Unauthenticated } from "../../errors";
import { emailTyped } from "../../identity/emails";
import { isKnownDevice } from "../../identity/knownPlaces";
import { hashPassword, needsRehash, verifyPassword } from "../../identity/passwords";
import { type Claimant, claimantAs, nobodyWith } from "../steps/claimant";
import { type Opened, openSession } from "../steps/openSession";
import { type Try, tryAt } from "../steps/tryAt";

interface SignInRow extends Claimant {
  passwordHash: string | null;
  knownDevice: boolean;
}

/**
 * Checks an email and its password, and opens a session, or asks for the second factor.
 *
 * A wrong email, a wrong password and a user without a password give the same error after the same time
 * (U2): each takes one look-up, one count and one hash. The refusal is recorded after the answer, and the
 * same statements run where there is no user.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS).
 * @throws RateLimited after too many tries, or when too many sign-ins are waiting.
 */
export async function signIn(ctx: Context, email: string, password: string): Promise<Opened> {
  const [user] = await ctx.db.query<SignInRow>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified",
      password_hash as "passwordHash", ${isKnownDevice(ctx.browser.deviceHash)} as "knownDevice"
    from users where email = ${emailTyped(email)}`);
  const attempt: Try = {
    secret: "password",
    purpose: "sign-in",
    email,
    knownDevice: user?.knownDevice ?? false,
    who: user ? claimantAs(user) : nobodyWith(email),
  };
  const proven = await tryAt(ctx, attempt, async () => {
    const matches = await verifyPassword(user?.passwordHash ?? null, password, ctx.request.ip);
    if (user && matches) return user;
    const wrong = "The email or the password is wrong.";
    throw new Unauthenticated(wrong, "INVALID_CREDENTIALS");
  });
  const before = proven.passwordHash!;
  const passwordHash = needsRehash(before) ? await rehash(ctx, proven, before, password) : before;
  return openSession(ctx, proven, [SignInMethod.PASSWORD], { passwordHash });
}

/**
 * Hashes the password again with today's parameters, and returns the hash that the user now has. If that
 * was changed since the password was checked, it stays. It counts if it matches the password: another
 * sign-in has then rehashed it.
 */
async function rehash(
  ctx: Context,
  user: Claimant,
  before: string,
  password: string,
): Promise<string> {
  const hash = await hashPassword(password, ctx.request.ip);
  const kept = await ctx.as(claimantAs(user)).transaction(async (tx) => {
    const row = await tx.lock(User, user.id);
    const [now] = await tx.query<{ hash: string }>(sql`
      select password_hash as hash from users where id = ${user.id}`);
    if (now!.hash !== before) return now!.hash;
    tx.authorize("update", row);
    row.passwordHash = hash;
    await tx.save(row);
    await tx.record("user_password_rehashed.v1", row);
    return hash;
  });
  return kept === hash || (await verifyPassword(kept, password, ctx.request.ip)) ? kept : before;
}
