import type { Queryable } from "../database/database";
import { sql } from "../database/sql";
import type { Language } from "./languages";

/** What a person is told of their own sign-in, for they may not have done it. */
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
  | "codeGuessed";

/**
 * A mail to be written and sent. It names whom it is about and no secret: the token of a link is
 * made as the mail is written, so that neither a job nor a backup holds one. Nor does it say in which
 * language, but for an address that may have no user: its owner's is found out by then (U3).
 */
export type Mail =
  | { kind: "sign_up"; id: string }
  | { kind: "update_email"; id: string }
  | { kind: "reset_password"; email: string; language: Language }
  | { kind: "email_changed"; email: string; userId: string; at: string; ip: string | null }
  | {
      kind: "notice";
      notice: Notice;
      userId: string;
      at: string;
      ip: string | null;
      /** What is told besides: a browser, how many codes are left, a provider, a reason. */
      detail: string | null;
    };

export const MAIL_TASK = "mail";
/** graphile-worker waits exp(tries) seconds between them: at most six hours, some 22 hours in all. */
const MOST_TRIES = 13;

/** Has the mail sent once the transaction around it has committed, and not if it hasn't. */
export async function queueMail(db: Queryable, mail: Mail): Promise<void> {
  await db.query(sql`select from graphile_worker.add_job(
    ${MAIL_TASK}::text, ${JSON.stringify(mail)}::json, max_attempts => ${MOST_TRIES}::int)`);
}
