import type { Context } from "../../context/context";
import { sessionIsOpen } from "../../context/proof";
import type { Transaction } from "../../context/transaction";
import { type Sql, sql, TRUE } from "../../database/sql";
import { Session, type SignInMethod } from "../../entities/Session";
import { Refusal, Unauthenticated } from "../../errors";
import { issueChallenge } from "../../identity/oneTimeTokens";
import { newSession } from "../../identity/sessions";
import { WRONG_PASSWORD } from "./assertPassword";
import { type Claimant, claimantAs } from "./claimant";
import { endEach } from "./endSessions";
import { queueNotice } from "./queueNotice";
import { NO_SESSION, recordSignInRefusal } from "./recordSignInRefusal";
import { isSecond } from "./secondFactor";

/** More are of nobody's use, and would have to be ended one by one. Those unused for longest go. */
const MOST_SESSIONS = 100;

/** The question for a second factor, between a first one and a session. */
export interface Challenge {
  /** To send with the code; works once. */
  token: string;
  expiresAt: Date;
}

export type Opened =
  { session: Session; token: string; challenge: null } | { session: null; challenge: Challenge };

interface Opening {
  /** The password that was right: it must still be the one. */
  passwordHash?: string;
  /** What has to hold or to be used up together with it, such as an identity or a code. */
  prove?: (tx: Transaction) => Promise<void>;
}

/**
 * Opens a session for whoever proved who they are by these methods, or asks for the second factor
 * that they owe (T2). Every session begins here, so this is decided nowhere else.
 *
 * The user's row is held meanwhile, as by all who change how somebody signs in: whoever is asked
 * nothing had nothing to be asked for, and an old password opens nothing once it was changed (U7).
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS) where the password was changed meanwhile.
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
            or ${sameNetwork(ip)} and s.user_agent is not distinct from ${userAgent})) as unknown
      from users u where u.id = ${user.id} and ${same} for no key update of u`);
    if (!found) throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
    await prove?.(tx);
    if (found.owes && !methods.some(isSecond))
      return issueChallenge(tx.unrecorded("one_time_tokens"), user, methods, tx.now);
    // A statement of its own: the one that waited for the user saw the sessions of before.
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
    // Whoever knows the password and has no code gets no further, and should not go unnoticed.
    const refusal = { ...NO_SESSION, code: Refusal.MFA_CHALLENGE };
    ctx.background(
      recordSignInRefusal(ctx, { ...claimantAs(user), methods }, "sign_in_refused.v1", refusal),
    );
    return { session: null, challenge };
  }
  ctx.become(entering);
  return { session, token, challenge: null };
}

/** Whether the session of the alias `s` was used from the network of that address. */
const sameNetwork = (ip: string | null) =>
  sql`${network(sql`s.ip`)} = ${network(sql`${ip}::inet`)}`;

/** The network of an address, as `networkOf` says it. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;
