import type { Context } from "../../context/context";
import { type Sql, sql, TRUE } from "../../database/sql";
import { type EventType, PrincipalKind, type RecordedDecision } from "../../entities/Event";
import { Session, SignInMethod, Surface } from "../../entities/Session";
import { User } from "../../entities/User";
import { DomainError, Refusal, Refused, Unauthenticated } from "../../errors";
import { verifyPassword } from "../../identity/passwords";
import { newSession } from "../../identity/sessions";
import { PROVIDER_NAMES } from "../../identity/providers";
import { countTry, forgive, isFirst } from "../../identity/throttle";
import { newToken, parseToken } from "../../identity/tokens";
import { newId } from "../../ids";
import { type Notice, queueMail } from "../../mails/queueMail";
import type { Principal } from "../../principal";
import { recordRefusal } from "../../context/recording";
import type { Transaction } from "../../context/transaction";
import { boundedText, emailFrom } from "./invariants";

/** A user who is on the way in. */
export interface Arriving {
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
}

/** The user as whom somebody is trying to get in, not proven yet. */
export function arriving({ id, email, name, emailVerified }: Arriving): Principal {
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

/** More are of nobody's use, and would have to be ended one by one. */
const MOST_SESSIONS = 100;

/** How long somebody has to find their phone. */
const CHALLENGE_LASTS_MS = 10 * 60 * 1000;

/** The question for a second factor, between a first one and a session. */
export interface Challenge {
  /** To send with the code; works once. */
  token: string;
  expiresAt: Date;
}

export type Opened =
  { session: Session; token: string; challenge: null } | { session: null; challenge: Challenge };

/** Whether a method shows that somebody has what only they have, besides what they know. */
export const isSecond = (method: SignInMethod) =>
  method === SignInMethod.TOTP || method === SignInMethod.RECOVERY_CODE;

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
  user: Arriving,
  methods: SignInMethod[],
  { passwordHash, prove }: Opening = {},
): Promise<Opened> {
  const deviceHash = ctx.device();
  const { ip, userAgent } = ctx.request;
  const { session, token } = newSession(user.id, methods, ctx.request, deviceHash, new Date());
  const { id: sessionId, authenticatedAt } = session;
  const entering = { ...arriving(user), sessionId, methods, authenticatedAt };
  const challenge = await ctx.opening(entering).transaction(async (tx) => {
    const same = passwordHash === undefined ? TRUE : sql`u.password_hash = ${passwordHash}`;
    const [found] = await tx.query<{ owes: boolean; unknown: boolean; spare: string[] }>(sql`
      select u.mfa_enabled_at is not null as owes,
        exists (select from sessions s where s.user_id = u.id) and not exists (
          select from sessions s where s.user_id = u.id and (s.device_hash = ${deviceHash}
            or ${sameNetwork(ip)} and s.user_agent is not distinct from ${userAgent})) as unknown,
        array(select s.id from sessions s
          where s.user_id = u.id and s.ended_at is null and s.expires_at > now()
          order by s.last_used_at desc offset ${MOST_SESSIONS - 1}::int) as spare
      from users u where u.id = ${user.id} and ${same} for share of u`);
    if (!found) throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
    await prove?.(tx);
    if (found.owes && !methods.some(isSecond)) return askForCode(tx, user, methods);
    tx.authorize("create", session);
    await tx.save(session);
    await tx.record("signed_in.v1", session);
    if (found.spare.length) {
      // Those that were not used for longest, so that one more leaves no more than there may be.
      await endAll(
        tx,
        await tx.rows(Session, sql`row.id = any(${found.spare}) and row.ended_at is null`),
      );
    }
    if (found.unknown) await queueNotice(tx, ctx, "newDevice", userAgent);
    return null;
  });
  if (challenge) {
    // Whoever knows the password and has no code gets no further, and should not go unnoticed.
    const refusal = { ...NO_SESSION, code: Refusal.MFA_CHALLENGE };
    ctx.background(noteRefusal(ctx, { ...arriving(user), methods }, "sign_in_refused.v1", refusal));
    return { session: null, challenge };
  }
  ctx.become(entering);
  return { session, token, challenge: null };
}

/** Ends these, which are held, and records each. */
async function endAll(tx: Transaction, sessions: readonly Session[]): Promise<void> {
  for (const session of sessions) {
    tx.authorize("end", session);
    session.endedAt = tx.now;
  }
  await tx.saveAll(sessions, "endedAt");
  await tx.record("session_ended.v1", ...sessions);
}

async function askForCode(tx: Transaction, user: Arriving, methods: SignInMethod[]) {
  const { text: token, hash } = newToken("ONE_TIME", null);
  const expiresAt = new Date(tx.now.getTime() + CHALLENGE_LASTS_MS);
  await tx.unrecorded("one_time_tokens").query(sql`
    with swept as (
      delete from one_time_tokens where user_id = ${user.id} and purpose = 'COMPLETE_SIGN_IN'
        and expires_at < ${tx.now})
    insert into one_time_tokens
      (id, purpose, user_id, email, token_hash, methods, expires_at, created_at)
    values (${newId("OneTimeToken")}, 'COMPLETE_SIGN_IN', ${user.id}, ${user.email}, ${hash},
      ${methods}, ${expiresAt}, ${tx.now})`);
  return { token, expiresAt };
}

/** Of a sign-in that was refused. */
export const NO_SESSION: RefusedDecision = {
  action: "create",
  subject: { type: "Session", id: null },
  ...{ allowed: false, rule: null, roles: null },
};

type RefusedDecision = Pick<RecordedDecision, "action" | "subject" | "allowed"> & {
  rule: null;
  roles: null;
};

/** A try at a secret of somebody's. */
export interface Try {
  secret: "password" | "code";
  /** As it was typed. */
  email: string;
  /** Whom a failure is told; null for nobody's email. */
  who: Principal | null;
  /** Whether they have signed in with that browser before. */
  familiar?: boolean;
}

/**
 * Counts a try at a secret before it is checked, and forgives it where it was good. A failure is an
 * event of the person's, and who guesses on and on is told to them by mail; both are written after
 * the answer, which tells by its time nothing of whether there is such a person (U2).
 *
 * @throws RateLimited after too many tries, and whatever `check` throws.
 */
export async function tryAt<T>(
  ctx: Context,
  { who, familiar = false, ...attempt }: Try,
  check: () => Promise<T>,
): Promise<T> {
  const guesser = {
    ...attempt,
    ip: ctx.request.ip,
    deviceHash: familiar ? ctx.knownDevice() : null,
    sessionId: who?.sessionId ?? null,
  };
  const refuse = (error: unknown) => {
    if (who && error instanceof DomainError) {
      ctx.background(noteFailure(ctx, who, attempt.secret, error));
    }
    return error;
  };
  await countTry(ctx.db, guesser).catch((error: unknown) => {
    throw refuse(error);
  });
  try {
    const result = await check();
    ctx.background(forgive(ctx.db, guesser));
    return result;
  } catch (error) {
    // A session that has ended meanwhile is no wrong guess.
    const wrong = error instanceof Unauthenticated && error.code !== "UNAUTHENTICATED";
    throw wrong ? refuse(error) : error;
  }
}

async function noteFailure(
  ctx: Context,
  who: Principal,
  secret: Try["secret"],
  { code }: DomainError,
): Promise<void> {
  const { db, request } = ctx;
  const { id: userId, sessionId } = who;
  const asked = sessionId
    ? { action: "update", subject: { type: "Session", id: sessionId } }
    : null;
  const type =
    secret === "code"
      ? "mfa_refused.v1"
      : sessionId
        ? "reauthentication_refused.v1"
        : "sign_in_refused.v1";
  await noteRefusal(ctx, who, type, { ...NO_SESSION, ...asked, code });
  if (code !== "RATE_LIMITED") return;
  await db.transaction(async (connection) => {
    const notice = secret === "code" ? "codeGuessed" : "passwordGuessed";
    if (!(await isFirst(connection, `warned ${notice} ${userId}`, "1 day"))) return;
    const at = new Date().toISOString();
    await queueMail(connection, {
      kind: "notice",
      notice,
      userId,
      at,
      ip: request.ip,
      detail: null,
    });
  });
}

function noteRefusal(
  { db, request }: Context,
  who: Principal,
  type: EventType,
  decision: RefusedDecision & { code: string },
): Promise<void> {
  const { id: userId, sessionId } = who;
  const refusal = { type, stream: { userId }, objectId: sessionId ?? userId, decision };
  return recordRefusal(db, who, request, refusal);
}

/** Tells a person, the caller if no other, by mail what was done to their sign-in, once it is. */
export function queueNotice(
  tx: Transaction,
  { request: { ip } }: Context,
  notice: Notice,
  detail: string | null = null,
  userId = tx.principal.id,
): Promise<void> {
  const at = tx.now.toISOString();
  return queueMail(tx, { kind: "notice", notice, userId, at, ip, detail });
}

/** How the caller signs in besides by password, as a notice tells it; null for not at all. */
export async function waysBesides(tx: Transaction): Promise<string | null> {
  const rows = await tx.query<{ provider: keyof typeof PROVIDER_NAMES }>(sql`
    select distinct provider from identities where user_id = ${tx.principal.id} order by 1`);
  return rows.map(({ provider }) => PROVIDER_NAMES[provider]).join(", ") || null;
}

export const WRONG_PASSWORD = "The password is wrong.";

/**
 * Has whoever holds the session prove that they are its person, and gives the hash that matched.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS); RateLimited after too many wrong ones.
 * @throws Refused (PASSWORD_NOT_SET) for a person who has none.
 */
export async function assertPassword(ctx: Context, password: string): Promise<string> {
  const { principal: who } = ctx;
  const [user] = await ctx.db.query<{ email: string; hash: string | null }>(sql`
    select email, password_hash as hash from users where id = ${who.id}`);
  const { email, hash } = user!;
  if (hash === null) throw passwordNotSet();
  return tryAt(ctx, { secret: "password", email, who }, async () => {
    if (await verifyPassword(hash, password, ctx.request.ip)) return hash;
    throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
  });
}

export function passwordNotSet(): Refused {
  return new Refused(
    Refusal.PASSWORD_NOT_SET,
    "You have no password yet. Sign in again as you always do, then set one with `setPassword`.",
  );
}

/**
 * Takes a session of the caller's own, to end it or to go on with it.
 *
 * @throws NotFound for one that is not theirs; Forbidden for an API key, which has none.
 */
export async function lockOwnSession(
  tx: Transaction,
  sessionId: string | null,
  action: "end" | "update" = "end",
): Promise<Session> {
  const session = tx.principal.sessionId ? await tx.lock(Session, sessionId!) : new Session();
  tx.authorize(action, session);
  return session;
}

/**
 * Ends a person's sessions that are open, but for one, and voids what was begun in them.
 *
 * @param userId Whose; the caller's own if absent.
 * @throws Forbidden for an API key.
 */
export async function endSessions(
  tx: Transaction,
  except: string | null,
  userId = tx.principal.id,
): Promise<Session[]> {
  tx.authorize("end", Object.assign(new Session(), { userId }));
  const others = await tx.rows(
    Session,
    sql`row.user_id = ${userId} and row.id is distinct from ${except} and row.ended_at is null
      and row.expires_at > now()`,
  );
  await voidBegun(tx, userId);
  await endAll(tx, others);
  return others;
}

/** Voids what an intruder may have begun as a person: sign-ins that wait for a code, and another email. */
export async function voidBegun(tx: Transaction, userId: string): Promise<void> {
  await tx.unrecorded("one_time_tokens").query(sql`
    delete from one_time_tokens where user_id = ${userId}
      and purpose in ('COMPLETE_SIGN_IN', 'UPDATE_EMAIL')`);
}

/** The caller's own row, to change it. @throws Forbidden for an API key. */
export async function lockSelf(tx: Transaction): Promise<User> {
  const { id, sessionId } = tx.principal;
  const user = sessionId ? await tx.lock(User, id) : Object.assign(new User(), { id });
  tx.authorize("update", user);
  return user;
}

/** Finds whom the operator names. @throws Refused (BAD_USER_INPUT) where there is no such user. */
export async function personBy(ctx: Context, email: string): Promise<{ id: string }> {
  const [found] = await ctx.db.query<{ id: string }>(sql`
    select id from users where email = ${emailFrom(email, ["email"])}`);
  if (found) return found;
  const message = `No user has the email ${email}. Give it as they sign in with it.`;
  throw new Refused(Refusal.BAD_USER_INPUT, message, ["email"]);
}

/** Why the operator does it, as events tell it. @throws Refused (BAD_USER_INPUT). */
export function reasonFrom(text: string): string {
  const reason = text.trim();
  if (reason) return boundedText(reason, ["reason"], 1000);
  throw new Refused(Refusal.BAD_USER_INPUT, "Say why, in a few words.", ["reason"]);
}

/**
 * Keeps an email from getting another user until commit, and refuses it where it has one.
 *
 * @throws Refused (TOKEN_INVALID), as of a link, unless told otherwise.
 */
export async function holdFreeEmail(
  tx: Transaction,
  email: string,
  taken: () => Refused = tokenInvalid,
): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${email}, 0))`);
  const users = await tx.query(sql`select from users where email = ${email}`);
  if (users.length) throw taken();
}

/** Creates a user whose email is confirmed; whoever else signed up with it did not show that. */
export async function addUser(
  tx: Transaction,
  fields: Pick<User, "email" | "name" | "passwordHash" | "language">,
): Promise<User> {
  const user = Object.assign(new User(), {
    id: newId("User"),
    ...fields,
    emailVerifiedAt: tx.now,
    mfaEnabledAt: null,
    createdAt: tx.now,
  });
  tx.authorize("create", user);
  await tx.save(user);
  await tx.record("user_created.v1", user);
  await tx.unrecorded("one_time_tokens").query(sql`
    delete from one_time_tokens where email = ${user.email} and purpose = 'SIGN_UP'`);
  return user;
}

/** Counts a request for a mail: nobody is sent many, and nobody has many sent. @throws RateLimited. */
export async function countMail(ctx: Context, to: string): Promise<void> {
  await countTry(ctx.db, { secret: "mail", email: to, ip: ctx.request.ip });
}

/** The hash of a token that works once, to look it up by. @throws as `wrongToken` says. */
export async function readOneTimeToken(
  ctx: Context,
  text: string,
  invalid: () => Refused = tokenInvalid,
): Promise<Buffer> {
  const token = parseToken(text);
  if (token?.kind !== "ONE_TIME") throw await wrongToken(ctx, invalid);
  return token.hash;
}

/**
 * Counts a try at a token that is none, and gives what is to be said of it. Only now: 256 bits are not
 * found by asking many at once, and so a good one waits for nothing that others try beside it.
 *
 * @throws RateLimited after too many.
 */
export async function wrongToken(
  ctx: Context,
  invalid: () => Refused = tokenInvalid,
): Promise<Refused> {
  await countTry(ctx.db, { secret: "token", ip: ctx.request.ip });
  return invalid();
}

/** Expired, used and unknown alike. */
export function tokenInvalid(): Refused {
  const message = "This link has expired or was used before. Ask for a new one.";
  return new Refused(Refusal.TOKEN_INVALID, message, ["token"]);
}

/** Whether the person of the alias `users` has signed in with that browser lately. */
export const familiar = (deviceHash: Buffer | null) => sql`exists (
  select from sessions s where s.user_id = users.id
    and s.created_at > now() - interval '90 days' and s.device_hash = ${deviceHash})`;

/** Whether the session of the alias `s` was used from the network of that address. */
const sameNetwork = (ip: string | null) =>
  sql`${network(sql`s.ip`)} = ${network(sql`${ip}::inet`)}`;

/** The network of an address, as `networkOf` says it. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;
