import type { Context } from "../../context/context";
import { sessionIsOpen } from "../../context/proof";
import type { Transaction } from "../../context/transaction";
import { sql, TRUE } from "../../database/sql";
import { Session, type SignInMethod } from "../../entities/Session";
import { Refusal, Unauthenticated } from "../../errors";
import { signedInFrom } from "../../identity/knownPlaces";
import { issueChallenge } from "../../identity/oneTimeTokens";
import { newSession } from "../../identity/sessions";
import { WRONG_PASSWORD } from "./assertPassword";
import { type Claimant, claimantAs } from "./claimant";
import { endEach } from "./endSessions";
import { queueNotice } from "./queueNotice";
import { NO_SESSION, recordSignInRefusal } from "./recordSignInRefusal";
import { isSecond } from "./secondFactor";

/** A user has at most so many open sessions. A new one ends those that were unused for longest. */
const MOST_SESSIONS = 100;

/** The question for a second factor, between a first one and a session. */
export interface Challenge {
  /** The client sends it with the code. It works once. */
  token: string;
  expiresAt: Date;
}

export type Opened =
  { session: Session; token: string; challenge: null } | { session: null; challenge: Challenge };

interface Opening {
  /** The hash of the password that was checked: the user must still have it. */
  passwordHash?: string;
  /** Checks, or uses up, the rest of the proof in the same transaction: an identity, or a code. */
  prove?: (tx: Transaction) => Promise<void>;
}

/**
 * Opens a session for a user who has proven who they are by these methods, or asks for their second
 * factor (T2). Every session begins here, so this decides in one place whether a second factor is needed.
 *
 * It locks the user's row, as do all operations that change how a user signs in. So a second factor that
 * was just turned on is asked for, and a password that was just changed opens nothing (U7).
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS) where the password was changed since it was checked.
 */
export async function openSession(
  ctx: Context,
  user: Claimant,
  methods: SignInMethod[],
  { passwordHash, prove }: Opening = {},
): Promise<Opened> {
  const deviceHash = ctx.browser.keepDevice();
  const { ip, userAgent } = ctx.request;
  const { session, token } = newSession(user.id, methods, ctx.request, deviceHash, new Date());
  const { id: sessionId, authenticatedAt } = session;
  const entering = { ...claimantAs(user), sessionId, methods, authenticatedAt };
  const challenge = await ctx.opening(entering).transaction(async (tx) => {
    const same = passwordHash === undefined ? TRUE : sql`u.password_hash = ${passwordHash}`;
    const [found] = await tx.query<{ owes: boolean; unknown: boolean }>(sql`
      select u.mfa_enabled_at is not null as owes,
        exists (select from sessions s where s.user_id = u.id) and not exists (
          select from sessions s where s.user_id = u.id and (s.device_hash = ${deviceHash}
            or ${signedInFrom(ip)} and s.signed_in_user_agent is not distinct from ${userAgent})
        ) as unknown
      from users u where u.id = ${user.id} and ${same} for no key update of u`);
    if (!found) throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
    await prove?.(tx);
    if (found.owes && !methods.some(isSecond))
      return issueChallenge(tx.unrecorded("one_time_tokens"), user, methods, tx.now);
    // A statement of its own: the one above saw the sessions as they were before it got the lock.
    const spare = await tx.rows(
      Session,
      sql`row.id in (select s.id from sessions s
        where s.user_id = ${user.id} and ${sessionIsOpen("s")}
        order by s.last_used_at desc offset ${MOST_SESSIONS - 1}::int)`,
    );
    tx.authorize("create", session);
    await tx.save(session);
    await tx.record("signed_in.v1", session);
    await endEach(tx, spare);
    if (found.unknown) await queueNotice(tx, ctx, "newDevice", userAgent);
    return null;
  });
  if (challenge) {
    // Recorded for the user: an attacker who knows the password and has no code gets this far.
    const refusal = { ...NO_SESSION, code: Refusal.MFA_CHALLENGE };
    ctx.background(
      recordSignInRefusal(ctx, { ...claimantAs(user), methods }, "sign_in_refused.v1", refusal),
    );
    return { session: null, challenge };
  }
  ctx.become(entering);
  return { session, token, challenge: null };
}
