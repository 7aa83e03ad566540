import type { Context } from "../../context";
import { type Sql, sql } from "../../database/sql";
import { type Session, SignInMethod } from "../../entities/Session";
import { User } from "../../entities/User";
import { type DomainError, RateLimited, Unauthenticated } from "../../errors";
import { hashPassword, needsRehash, verifyPassword } from "../../identity/passwords";
import { countTry, forgive } from "../../identity/throttle";
import { recordRefusal } from "../../recording";
import { type Arriving, arriving, openSession } from "../invariants";

interface SignInRow extends Arriving {
  passwordHash: string | null;
  familiar: boolean;
}

/**
 * Checks an email and its password, and opens a session.
 *
 * A wrong email, a wrong password and a user without a password are one error, and take the
 * same time (U2): each costs one look-up, one count and one hash, and what is recorded of a
 * refusal is written after the answer.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS).
 * @throws RateLimited after too many tries, or when too many sign-ins are waiting already.
 */
export async function signIn(
  ctx: Context,
  email: string,
  password: string,
): Promise<{ session: Session; token: string }> {
  const [user] = await ctx.db.query<SignInRow>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified",
      password_hash as "passwordHash", exists (
        select from sessions s where s.user_id = users.id
          and s.created_at > now() - interval '90 days'
          and ${network(sql`s.ip`)} = ${network(sql`${ctx.request.ip}::inet`)}) as familiar
    from users where email = ${email.trim().toLowerCase()}`);
  const familiar = user?.familiar ?? false;
  const guesser = { secret: "password", email, ip: ctx.request.ip, familiar } as const;
  const refuse = (error: DomainError) => {
    const note = user && recordRefusal(ctx.db, arriving(user), ctx.request, refusal(user, error));
    if (note) ctx.background(note);
    return error;
  };
  await countTry(ctx.db, guesser).catch((error: unknown) => {
    throw error instanceof RateLimited ? refuse(error) : error;
  });
  const matches = await verifyPassword(user?.passwordHash ?? null, password);
  if (!user || !matches) {
    const wrong = "The email or the password is wrong.";
    throw refuse(new Unauthenticated(wrong, "INVALID_CREDENTIALS"));
  }
  ctx.background(forgive(ctx.db, guesser));

  const rehashed = needsRehash(user.passwordHash!) ? await hashPassword(password) : null;
  return openSession(ctx, user, [SignInMethod.PASSWORD], async (tx) => {
    if (!rehashed) return;

    // Unless the password was changed while this one was checked.
    const row = await tx.lock(User, user.id);
    const [same] = await tx.query(sql`select from users
      where id = ${user.id} and password_hash = ${user.passwordHash}`);
    if (!same) return;
    tx.authorize("update", row);
    row.passwordHash = rehashed;
    await tx.save(row);
    await tx.record("user_password_rehashed.v1", row);
  });
}

function refusal({ id }: SignInRow, { code }: DomainError) {
  return {
    type: "sign_in_refused.v1" as const,
    stream: { userId: id },
    objectId: id,
    decision: {
      action: "create Session",
      allowed: false,
      rule: null,
      code,
      roles: null,
    },
  };
}

/** The network of an address, as `networkOf` says it. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;
