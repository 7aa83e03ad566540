import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { PROVIDER_NAMES } from "../identity/providers";
import { newToken } from "../identity/tokens";
import { newId } from "../ids";
import { type Language, languageOf, MAILS } from "./languages";
import type { Mail } from "./queueMail";
import type { Letter } from "./letter";
import type { Mailer } from "./mailer";

const RESET_LASTS_MS = 30 * 60 * 1000;

interface Post {
  db: Database;
  mailer: Mailer;
  /** Where links lead. */
  appUrl: string;
}

/**
 * Writes a mail and sends it. What it says depends on whether the email has a user, which is
 * found out here and not while anybody waits for an answer (U3). So is the language: that of the
 * user whose address it is, whoever caused the mail. May be tried again: each try makes a token of
 * its own, and voids that of the one before.
 */
export async function sendMail(post: Post, mail: Mail): Promise<void> {
  const written = await write(post, mail);
  if (written) await post.mailer.send(written.to, written.language, written.letter);
}

type Written = { to: string; language: Language; letter: Letter } | null;

async function write({ db, appUrl }: Post, mail: Mail): Promise<Written> {
  switch (mail.kind) {
    case "sign_up":
      return confirming(db, appUrl, "SIGN_UP", mail.id);
    case "update_email":
      return confirming(db, appUrl, "UPDATE_EMAIL", mail.id);
    case "reset_password":
      return reset(db, appUrl, mail);
    case "email_changed": {
      const { email: to, userId, at, ip } = mail;
      const language = languageOf((await userWith(db, userId))?.language);
      return { to, language, letter: MAILS[language].emailChanged(at, ip) };
    }
    case "notice": {
      const { notice, userId, at, ip, detail } = mail;
      const user = await userWith(db, userId);
      if (!user) return null;
      const language = languageOf(user.language);
      return { to: user.email, language, letter: MAILS[language][notice](at, ip, detail) };
    }
  }
}

async function userWith(db: Database, id: string) {
  const [user] = await db.query<{ email: string; language: string }>(sql`
    select email, language from users where id = ${id}`);
  return user;
}

/** Where the link of an address to confirm leads, and what its owner is told. */
const CONFIRMING = {
  SIGN_UP: { path: "verify-email", letter: "verifyEmail", taken: "alreadySignedUp" },
  UPDATE_EMAIL: { path: "confirm-email", letter: "updateEmail", taken: "emailTaken" },
} as const;

interface Confirming {
  email: string;
  taken: boolean;
  /** Of the user who has the address; else of the one who wants it; else of the sign-up. */
  language: string | null;
}

async function confirming(
  db: Database,
  appUrl: string,
  purpose: keyof typeof CONFIRMING,
  id: string,
): Promise<Written> {
  const { text, hash } = newToken("ONE_TIME", null);
  const [row] = await db.query<Confirming>(sql`
    update one_time_tokens t set token_hash = ${hash}
    where id = ${id} and purpose = ${purpose} and used_at is null and expires_at > now()
    returning email, exists (select from users u where u.email = t.email) as taken,
      coalesce((select language from users u where u.email = t.email),
        (select language from users u where u.id = t.user_id), language) as language`);
  if (!row) return null;
  const language = languageOf(row.language);
  const { path, letter, taken } = CONFIRMING[purpose];
  const mails = MAILS[language];
  const url = `${appUrl}/${path}#token=${text}`;
  return { to: row.email, language, letter: row.taken ? mails[taken](appUrl) : mails[letter](url) };
}

interface Resetting {
  id: string;
  language: string;
  hasPassword: boolean;
  /** Those that the user signs in with (U6). */
  providers: (keyof typeof PROVIDER_NAMES)[];
}

async function reset(
  db: Database,
  appUrl: string,
  { email, language: asked }: Extract<Mail, { kind: "reset_password" }>,
): Promise<Written> {
  const [user] = await db.query<Resetting>(sql`
    select id, language, password_hash is not null as "hasPassword",
      array(select distinct provider from identities i where i.user_id = u.id order by 1) as providers
    from users u where email = ${email}`);
  const language = languageOf(user ? user.language : asked);
  const mails = MAILS[language];
  const written = (letter: Letter) => ({ to: email, language, letter });
  if (!user) return written(mails.noSuchUser(appUrl));
  if (!user.hasPassword) {
    const providers = user.providers.map((provider) => PROVIDER_NAMES[provider]);
    return written(mails.passwordNotSet(appUrl, providers));
  }
  const { text, hash } = newToken("ONE_TIME", null);
  const now = new Date();
  await db.query(sql`
    with voided as (
      delete from one_time_tokens where user_id = ${user.id} and purpose = 'RESET_PASSWORD')
    insert into one_time_tokens (id, purpose, user_id, email, token_hash, expires_at, created_at)
    values (${newId("OneTimeToken")}, 'RESET_PASSWORD', ${user.id}, ${email}, ${hash},
      ${new Date(now.getTime() + RESET_LASTS_MS)}, ${now})`);
  return written(mails.resetPassword(`${appUrl}/reset-password#token=${text}`));
}
