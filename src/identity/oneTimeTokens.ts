import type { Database, Queryable } from "../database/database";
import { sql } from "../database/sql";
import type { SignInMethod } from "../entities/Session";
import { newId } from "../ids";
import { newToken, parseToken } from "./tokens";

/*
 * The only file that reads and writes `one_time_tokens`: links in mails, and sign-ins that wait for a
 * second factor. A token works once: one guarded statement redeems it, and for one of several callers at
 * the same time it returns a row.
 *
 * The database's clock orders requests. The order of the jobs that mail their links does not: a job may be
 * tried again, and two workers may run two jobs in any order. The newest request wins.
 */

const HOUR_MS = 60 * 60 * 1000;

const LASTS_MS = {
  SIGN_UP: 24 * HOUR_MS,
  UPDATE_EMAIL: 24 * HOUR_MS,
  /** Counted from when the mail is written, as its job may wait. */
  RESET_PASSWORD: HOUR_MS / 2,
  /** Long enough to find a phone. */
  COMPLETE_SIGN_IN: HOUR_MS / 6,
};

type Purpose = keyof typeof LASTS_MS;
type Db = Pick<Queryable, "query">;

const expiryOf = (purpose: Purpose, from: Date) => new Date(from.getTime() + LASTS_MS[purpose]);

const LIVE = sql`t.used_at is null and t.expires_at > now()`;
/** In milliseconds, the precision of a JavaScript Date: the program compares it with a column later. */
const DATABASE_TIME = sql`date_trunc('milliseconds', clock_timestamp())`;

/** The time of a request, by the database's clock. */
export async function databaseTime(db: Db): Promise<Date> {
  const [row] = await db.query<{ time: Date }>(sql`select ${DATABASE_TIME} as time`);
  return row!.time;
}

/** The hash of a one-time token; null for a text that can't be one. */
export function oneTimeTokenHash(text: string): Buffer | null {
  const token = parseToken(text);
  return token?.kind === "ONE_TIME" ? token.hash : null;
}

/** The user that a token is for, and what they had proven before it was issued. */
export interface LiveToken {
  /** Null for a sign-up. */
  userId: string | null;
  /** The address that the token was mailed to; for a challenge, that of the user. */
  email: string;
  methods: SignInMethod[] | null;
}

/** Looks a token up without redeeming it; null where it is expired, used or unknown. */
export async function findToken(db: Db, purpose: Purpose, hash: Buffer): Promise<LiveToken | null> {
  const [found] = await db.query<LiveToken>(sql`
    select t.user_id as "userId", t.email, t.methods from one_time_tokens t
    where t.token_hash = ${hash} and t.purpose = ${purpose} and ${LIVE}`);
  return found ?? null;
}

/** Redeems a token. Of several callers at the same time, one gets true. */
export async function redeemToken(db: Db, purpose: Purpose, hash: Buffer): Promise<boolean> {
  const redeemed = await db.query(sql`
    update one_time_tokens t set used_at = now()
    where t.token_hash = ${hash} and t.purpose = ${purpose} and ${LIVE} returning t.id`);
  return redeemed.length > 0;
}

/** A sign-up whose email is not confirmed yet. */
export interface PendingSignUp {
  email: string;
  name: string;
  passwordHash: string;
  /** True where the password could not be looked up in known breaches. */
  passwordUnchecked: boolean;
  /** The language of the request. */
  language: string | null;
}

/** Stores a sign-up until its link is used. Returns the time of the request. */
export async function keepSignUp(db: Db, id: string, signUp: PendingSignUp): Promise<Date> {
  const { email, name, passwordHash, passwordUnchecked, language } = signUp;
  const now = new Date();
  const [row] = await db.query<{ requestedAt: Date }>(sql`
    insert into one_time_tokens
      (id, purpose, email, name, password_hash, password_unchecked, language, requested_at,
        expires_at, created_at)
    values (${id}, 'SIGN_UP', ${email}, ${name}, ${passwordHash}, ${passwordUnchecked},
      ${language}, ${DATABASE_TIME}, ${expiryOf("SIGN_UP", now)}, ${now})
    returning requested_at as "requestedAt"`);
  return row!.requestedAt;
}

/** The sign-up of a token; null where the token is expired, used or unknown. */
export async function findSignUp(db: Db, hash: Buffer): Promise<PendingSignUp | null> {
  const [found] = await db.query<PendingSignUp>(sql`
    select t.email, t.name, t.password_hash as "passwordHash",
      t.password_unchecked as "passwordUnchecked", t.language
    from one_time_tokens t
    where t.token_hash = ${hash} and t.purpose = 'SIGN_UP' and ${LIVE}`);
  return found ?? null;
}

/**
 * Stores that the link of a sign-up was requested again: the jobs of earlier requests mail nothing from
 * now on. Returns the time of the request; null where the sign-up is finished, expired or unknown.
 */
export async function requestAgain(db: Db, signUpId: string): Promise<Date | null> {
  const [row] = await db.query<{ requestedAt: Date }>(sql`
    update one_time_tokens t set requested_at = ${DATABASE_TIME}
    where t.id = ${signUpId} and t.purpose = 'SIGN_UP' and ${LIVE}
    returning t.requested_at as "requestedAt"`);
  return row?.requestedAt ?? null;
}

/** Voids the sign-ups with an address that a user has now. */
export async function voidSignUps(db: Db, email: string): Promise<void> {
  await db.query(sql`
    delete from one_time_tokens where email = ${email} and purpose = 'SIGN_UP'`);
}

/** Stores the address that a user wants to sign in with. It replaces any other that they asked for. */
export async function keepEmailChange(
  db: Db,
  id: string,
  userId: string,
  email: string,
  now: Date,
): Promise<void> {
  await db.query(sql`
    with voided as (
      delete from one_time_tokens where user_id = ${userId} and purpose = 'UPDATE_EMAIL')
    insert into one_time_tokens (id, purpose, user_id, email, expires_at, created_at)
    values (${id}, 'UPDATE_EMAIL', ${userId}, ${email}, ${expiryOf("UPDATE_EMAIL", now)}, ${now})`);
}

export interface Confirmation {
  /** The token of the link. */
  token: string;
  email: string;
  userId: string | null;
  language: string | null;
}

/** The row of a confirmation, if no later request has replaced that of the job. */
const wanted = (purpose: "SIGN_UP" | "UPDATE_EMAIL", id: string, requestedAt: string | null) => sql`
  t.id = ${id} and t.purpose = ${purpose} and ${LIVE}
  and t.requested_at is not distinct from ${requestedAt}::timestamptz`;

/** The address to confirm; null where `renewConfirmation` would return null. */
export async function addresseeOf(
  db: Db,
  purpose: "SIGN_UP" | "UPDATE_EMAIL",
  id: string,
  requestedAt: string | null,
): Promise<string | null> {
  const [found] = await db.query<{ email: string }>(sql`
    select t.email from one_time_tokens t where ${wanted(purpose, id, requestedAt)}`);
  return found?.email ?? null;
}

/**
 * Makes the token of a link that confirms an address. It voids the token before, so a job that is tried
 * again makes a new one and stores no secret. Null where the address needs no confirmation any more, or the
 * link was requested again after `requestedAt`.
 */
export async function renewConfirmation(
  db: Db,
  purpose: "SIGN_UP" | "UPDATE_EMAIL",
  id: string,
  requestedAt: string | null,
): Promise<Confirmation | null> {
  const { text: token, hash } = newToken("ONE_TIME", null);
  const [row] = await db.query<Omit<Confirmation, "token">>(sql`
    update one_time_tokens t set token_hash = ${hash}
    where ${wanted(purpose, id, requestedAt)}
    returning t.email, t.user_id as "userId", t.language`);
  return row ? { token, ...row } : null;
}

/** A request to choose a new password, as its job has it. */
export interface ResetRequest {
  id: string;
  requestedAt: string;
}

/**
 * Makes the token of a link to choose a new password, and voids the tokens of earlier requests. Null where
 * a later request, or a new password, has voided this request.
 */
export async function issueReset(
  db: Database,
  user: { id: string; email: string },
  { id, requestedAt }: ResetRequest,
): Promise<string | null> {
  const { text: token, hash } = newToken("ONE_TIME", null);
  return db.transaction(async (connection) => {
    // Locked, so that two jobs run in turn. To change the password or the email locks the user too.
    const [held] = await connection.query(sql`
      select from users where id = ${user.id} and email = ${user.email} for no key update`);
    if (!held) return null;
    const place = sql`(${requestedAt}::timestamptz, ${id})`;
    const [issued] = await connection.query(sql`
      insert into one_time_tokens as t
        (id, purpose, user_id, email, token_hash, expires_at, created_at)
      select ${id}, 'RESET_PASSWORD', ${user.id}, ${user.email}, ${hash},
        ${expiryOf("RESET_PASSWORD", new Date())}, ${requestedAt}::timestamptz
      where not exists (
        select from one_time_tokens newer
        where newer.user_id = ${user.id} and newer.purpose = 'RESET_PASSWORD'
          and (newer.created_at, newer.id) > ${place})
      on conflict (id) do update
        set token_hash = excluded.token_hash, expires_at = excluded.expires_at
        where t.used_at is null
      returning t.id`);
    if (!issued) return null;
    await connection.query(sql`
      delete from one_time_tokens
      where user_id = ${user.id} and purpose = 'RESET_PASSWORD' and (created_at, id) < ${place}`);
    return token;
  });
}

/**
 * Voids every link to choose a new password that was requested before now, mailed or not. It leaves a used
 * row, by which the jobs that have not run yet see that their request is void.
 */
export async function voidResets(db: Db, user: { id: string; email: string }): Promise<void> {
  await db.query(sql`
    with voided as (
      delete from one_time_tokens where user_id = ${user.id} and purpose = 'RESET_PASSWORD')
    insert into one_time_tokens (id, purpose, user_id, email, used_at, expires_at, created_at)
    select ${newId("OneTimeToken")}, 'RESET_PASSWORD', ${user.id}, ${user.email}, now.t, now.t, now.t
    from (select ${DATABASE_TIME} as t) now`);
}

/** Makes the token that a user sends with a code of their second factor, to complete a sign-in. */
export async function issueChallenge(
  db: Db,
  user: { id: string; email: string },
  methods: readonly SignInMethod[],
  now: Date,
): Promise<{ token: string; expiresAt: Date }> {
  const { text: token, hash } = newToken("ONE_TIME", null);
  const expiresAt = expiryOf("COMPLETE_SIGN_IN", now);
  await db.query(sql`
    insert into one_time_tokens
      (id, purpose, user_id, email, token_hash, methods, expires_at, created_at)
    values (${newId("OneTimeToken")}, 'COMPLETE_SIGN_IN', ${user.id}, ${user.email}, ${hash},
      ${methods}, ${expiresAt}, ${now})`);
  return { token, expiresAt };
}

/**
 * Voids what an intruder may have begun as this user: sign-ins that wait for a code, and a change of
 * the email address.
 */
export async function voidPendingProofs(db: Db, userId: string): Promise<void> {
  await db.query(sql`
    delete from one_time_tokens where user_id = ${userId}
      and purpose in ('COMPLETE_SIGN_IN', 'UPDATE_EMAIL')`);
}
