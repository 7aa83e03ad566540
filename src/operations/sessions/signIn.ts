import type { Context } from "../../context";
import { sql } from "../../database/sql";
import { PrincipalKind } from "../../entities/Event";
import { type Session, SignInMethod, Surface } from "../../entities/Session";
import { User } from "../../entities/User";
import { Unauthenticated } from "../../errors";
import { hashPassword, needsRehash, verifyPassword } from "../../identity/passwords";
import { newSession } from "../../identity/sessions";
import type { Principal } from "../../principal";
import { recordRefusal } from "../../recording";

interface SignInRow {
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
  passwordHash: string | null;
}

/**
 * Checks an email and its password, and opens a session.
 *
 * A wrong email, a wrong password and a user without a password are one error, and take the
 * same time (U2): each costs one look-up and one hash, and what is recorded of a refusal is
 * written after the answer.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS).
 * @throws RateLimited when too many sign-ins are waiting already.
 */
export async function signIn(
  ctx: Context,
  email: string,
  password: string,
): Promise<{ session: Session; token: string }> {
  const [user] = await ctx.db.query<SignInRow>(sql`
    select id, email, name, email_verified_at is not null as "emailVerified",
      password_hash as "passwordHash"
    from users where email = ${email.trim().toLowerCase()}`);
  const matches = await verifyPassword(user?.passwordHash ?? null, password);
  if (!user || !matches) {
    if (user) ctx.background(recordRefusal(ctx.db, signingIn(user), ctx.request, refusalFor(user)));
    throw new Unauthenticated("The email or the password is wrong.", "INVALID_CREDENTIALS");
  }

  const rehashed = needsRehash(user.passwordHash!) ? await hashPassword(password) : null;
  const { session, token } = newSession(user.id, [SignInMethod.PASSWORD], ctx.request, new Date());
  const { id: sessionId, methods, authenticatedAt } = session;
  ctx.become({ ...signingIn(user), sessionId, methods, authenticatedAt });
  await ctx.self.transaction(async (tx) => {
    tx.authorize("create", session);
    await tx.save(session);
    await tx.record("signed_in.v1", session);
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
  return { session, token };
}

/** The user as whom somebody is trying to sign in. */
function signingIn({ id, email, name, emailVerified }: SignInRow): Principal {
  return {
    kind: PrincipalKind.USER,
    id,
    subject: email,
    name,
    emailVerified,
    surface: Surface.DASHBOARD,
    sessionId: null,
    credentialId: null,
    accountId: null,
    methods: [],
    authenticatedAt: null,
  };
}

function refusalFor({ id }: SignInRow) {
  return {
    type: "sign_in_refused.v1" as const,
    stream: { userId: id },
    objectId: id,
    decision: {
      action: "create Session",
      allowed: false,
      rule: null,
      code: "INVALID_CREDENTIALS",
      roles: null,
    },
  };
}
