import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { type Session, SignInMethod } from "../../entities/Session";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { newToken } from "../../identity/tokens";
import { assertPassword, passwordNotSet, WRONG_PASSWORD } from "../steps/assertPassword";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { lockOwnSession } from "../steps/lockOwnSession";
import { isSecond, methodOf } from "../steps/secondFactor";
import { tryCode } from "../steps/tryCode";
import { codeOwed, useCode } from "../steps/useCode";

/**
 * Takes a fresh proof that the caller is the session's user, for sensitive changes (U11): their password
 * and their second factor, whichever of the two they have. The session gets a new token, so a thief of the
 * old token loses the session.
 *
 * @throws Refused (MFA_CHALLENGE) without a code, (BAD_USER_INPUT) without a password, where they are
 * needed.
 * @throws Refused (PASSWORD_NOT_SET) for a user with neither, who signs in again instead.
 * @throws Unauthenticated (INVALID_CREDENTIALS, MFA_INVALID) for a wrong password or code.
 * @throws RateLimited after too many wrong ones.
 * @throws Refused (CONFLICT) where the same request has called it before: the token that the first call
 * returned would be void before the client gets it.
 * @throws Forbidden for an API key.
 */
export async function reauthenticate(
  ctx: Context,
  { password, code }: { password: string | null; code: string | null },
): Promise<{ session: Session; token: string }> {
  const { principal: who } = ctx;
  if (ctx.provenHere) {
    const message =
      "This request has called `reauthenticate` already. Call it once, and use the token in its answer.";
    throw new Refused(Refusal.CONFLICT, message);
  }
  const [has] = await ctx.db.query<{ password: boolean; second: boolean }>(sql`
    select password_hash is not null as password,
      mfa_enabled_at is not null as second
    from users where id = ${who.id}`);
  const first = who.sessionId !== null && has!.password;
  const second = who.sessionId !== null && has!.second;
  if (first && password === null) {
    throw new Refused(Refusal.BAD_USER_INPUT, "Send your password.", ["password"]);
  }
  if (second && code === null) throw codeOwed();
  if (who.sessionId && !first && !second) throw passwordNotSet();
  const matched = first ? await assertPassword(ctx, password!) : null;

  const { text, hash } = newToken("SESSION", null);
  const prove = () =>
    ctx.self.transaction(async (tx) => {
      const session = await lockOwnSession(tx, who.sessionId, "update");
      // Read again after the rows are locked: both may have changed while the password was checked.
      const [same] = await tx.query(sql`
        select from users where id = ${who.id} and password_hash is not distinct from ${matched}`);
      if (!same) throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
      const authenticator = await lockAuthenticator(tx);
      if (authenticator) {
        if (code === null) throw codeOwed();
        await useCode(tx, ctx, authenticator, code);
      } else if (!first) throw passwordNotSet();
      session.tokenHash = hash;
      session.authenticatedAt = tx.now;
      session.methods = [
        ...(first ? [SignInMethod.PASSWORD] : session.methods.filter((one) => !isSecond(one))),
        ...(authenticator ? [methodOf(code!)] : []),
      ];
      await tx.save(session);
      await tx.record("reauthenticated.v1", session);
      return session;
    });
  const session = code === null ? await prove() : await tryCode(ctx, "re-authentication", prove);
  const { authenticatedAt, methods } = session;
  ctx.become({ ...who, authenticatedAt, methods });
  return { session, token: text };
}
