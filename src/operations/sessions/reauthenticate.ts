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
 * Has the person prove again that it is them, for what takes a proof of the last minutes (U11): by
 * their password and their second factor, whichever of the two they have. The session goes on under
 * a new token: whoever had copied the old one is out.
 *
 * @throws Refused (MFA_CHALLENGE) where a code is owed; BAD_USER_INPUT where the password is.
 * @throws Refused (PASSWORD_NOT_SET) for a person with neither, who signs in again instead.
 * @throws Unauthenticated (INVALID_CREDENTIALS, MFA_INVALID) for a wrong one.
 * @throws RateLimited after too many of them.
 * @throws Refused (CONFLICT) where this very request has proven it: the token in its answer would be
 * dead when it arrives.
 * @throws Forbidden for an API key.
 */
export async function reauthenticate(
  ctx: Context,
  { password, code }: { password: string | null; code: string | null },
): Promise<{ session: Session; token: string }> {
  const { principal: who } = ctx;
  if (ctx.provenHere) {
    const message = "This request has proven it already. Go on with the token in its answer.";
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
      // Both as they are now that they are held: either may have changed while the password was checked.
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
