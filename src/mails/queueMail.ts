import type { Queryable } from "../database/database";
import { sql } from "../database/sql";
import { noteOnce } from "../identity/throttle";
import type { Language } from "./languages";

/** What a user is mailed of their own sign-in, as it may be the doing of an attacker. */
export type Notice =
  | "passwordChanged"
  | "passwordReset"
  | "mfaEnabled"
  | "authenticatorReplaced"
  | "mfaDisabled"
  | "mfaReset"
  | "recoveryCodesCreated"
  | "recoveryCodeUsed"
  | "passwordSet"
  | "identityLinked"
  | "identityUnlinked"
  | "emailChangeRequested"
  | "newDevice"
  | "passwordGuessed"
  | "passwordGuessedInSession"
  | "codeGuessed"
  | "codeGuessedInSession";

/**
 * A mail to be written and sent. It names the user and holds no secret: the token of a link is made as
 * the mail is written, so neither a job nor a backup has one. It gives a language only for an address
 * that may have no user: whether it has one is looked up as the mail is written (U3).
 */
export type Mail =
  /** The link of a sign-up; `requestedAt` is null where it was queued before there was such a time. */
  | { kind: "sign_up"; id: string; requestedAt: Date | null }
  | { kind: "update_email"; id: string }
  /** Its row is made by the job: whether the address has a user is not looked up before (U3). */
  | {
      kind: "reset_password";
      id: string;
      requestedAt: Date;
      email: string;
      language: Language;
      /** Where it was asked for: a user's own network and browser have counts of their own (U10). */
      ip: string | null;
      device: string | null;
    }
  | { kind: "email_changed"; email: string; userId: string; at: string; ip: string | null }
  | {
      kind: "notice";
      notice: Notice;
      userId: string;
      at: string;
      ip: string | null;
      /** What differs from mail to mail: a `User-Agent`, how many codes are left, providers, a reason. */
      detail: string | null;
    };

/** A mail as its job has it, in JSON. */
export type QueuedMail = Json<Mail>;
type Json<T> = T extends unknown
  ? { [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K] }
  : never;

export const MAIL_TASK = "mail";
/** graphile-worker waits exp(tries) seconds between them: at most six hours, some 22 hours in all. */
const MOST_TRIES = 13;

/** Has the mail sent once the transaction around it has committed, and not if it hasn't. */
export async function queueMail(db: Queryable, mail: Mail): Promise<void> {
  await db.query(sql`select from graphile_worker.add_job(
    ${MAIL_TASK}::text, ${JSON.stringify(mail)}::json, max_attempts => ${MOST_TRIES}::int)`);
}

/**
 * Has a notice sent that many tries may cause: once a day. The same statement is run where there is no such
 * user, and sends nothing. What sending takes comes some time in the next minute, so that no answer's time
 * tells of it (U2).
 */
export async function queueDailyNotice(
  db: Queryable,
  mail: Extract<Mail, { kind: "notice" }>,
): Promise<void> {
  const { notice, userId } = mail;
  await db.query(sql`
    with first as (${noteOnce(`warned ${notice} ${userId}`, "1 day")})
    select graphile_worker.add_job(${MAIL_TASK}::text, ${JSON.stringify(mail)}::json,
      run_at => now() + random() * interval '1 minute', max_attempts => ${MOST_TRIES}::int)
    from first join users on users.id = ${userId}`);
}
