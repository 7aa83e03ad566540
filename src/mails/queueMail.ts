import type { Queryable } from "../database/database";
import { sql } from "../database/sql";
import { noteOnce } from "../identity/throttle";
import type { Language } from "./languages";

/** Changes of a user's sign-in that are mailed to the user, as an attacker may have made them. */
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
 * A mail to be written and sent. It names the user and holds no secret: the job makes the token of a
 * link when it writes the mail, so neither the queue nor a backup has a token. Only a mail to an address
 * that may have no user has a language: the job looks up whether there is a user (U3).
 */
export type Mail =
  /** The link of a sign-up. `requestedAt` is null for a mail that an older version has queued. */
  | { kind: "sign_up"; id: string; requestedAt: Date | null }
  | { kind: "update_email"; id: string }
  /** The job makes the row of its token, and looks up whether the address has a user (U3). */
  | {
      kind: "reset_password";
      id: string;
      requestedAt: Date;
      email: string;
      language: Language;
      /** Where the request came from: a user's own network and browser have counts of their own (U10). */
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

/** A mail as the queue holds it, in JSON. */
export type QueuedMail = Json<Mail>;
type Json<T> = T extends unknown
  ? { [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K] }
  : never;

export const MAIL_TASK = "mail";
/** graphile-worker waits exp(tries) seconds between tries: at most six hours, some 22 hours in all. */
const MOST_TRIES = 13;

/** Queues a mail in the transaction that causes it: the mail is sent if the transaction commits. */
export async function queueMail(db: Queryable, mail: Mail): Promise<void> {
  await db.query(sql`select from graphile_worker.add_job(
    ${MAIL_TASK}::text, ${JSON.stringify(mail)}::json, max_attempts => ${MOST_TRIES}::int)`);
}

/**
 * Queues a notice that many tries may cause, at most once a day. The same statement runs where there is
 * no such user, and queues nothing. The notice is sent at a random time in the next minute, so the time
 * of an answer does not tell whether a notice is being sent (U2).
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
