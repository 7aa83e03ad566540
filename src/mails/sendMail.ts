import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { PROVIDER_NAMES } from "../identity/social";
import { newToken } from "../identity/tokens";
import { newId } from "../ids";
import type { Mail } from "../mail";
import { en, type Letter } from "./en";
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
 * found out here and not while anybody waits for an answer (U3). May be tried again: each try makes
 * a token of its own, and voids that of the one before.
 */
export async function sendMail(post: Post, mail: Mail): Promise<void> {
  const written = await write(post, mail);
  if (written) await post.mailer.send(written.to, written.letter);
}

type Written = { to: string; letter: Letter } | null;

async function write({ db, appUrl }: Post, mail: Mail): Promise<Written> {
  switch (mail.kind) {
    case "sign_up":
      return confirming(db, appUrl, "SIGN_UP", mail.id);
    case "update_email":
      return confirming(db, appUrl, "UPDATE_EMAIL", mail.id);
    case "reset_password":
      return { to: mail.email, letter: await reset(db, appUrl, mail.email) };
    case "email_changed":
      return { to: mail.email, letter: en.emailChanged(mail.at, mail.ip) };
    case "notice": {
      const [user] = await db.query<{ email: string }>(sql`
        select email from users where id = ${mail.userId}`);
      return user
        ? { to: user.email, letter: en[mail.notice](mail.at, mail.ip, mail.detail) }
        : null;
    }
  }
}

/** Where the link of an address to confirm leads, and what its owner is told. */
const CONFIRMING = {
  SIGN_UP: { path: "verify-email", letter: en.verifyEmail, taken: en.alreadySignedUp },
  UPDATE_EMAIL: { path: "confirm-email", letter: en.updateEmail, taken: en.emailTaken },
};

async function confirming(
  db: Database,
  appUrl: string,
  purpose: keyof typeof CONFIRMING,
  id: string,
): Promise<Written> {
  const { text, hash } = newToken("ONE_TIME", null);
  const [row] = await db.query<{ email: string; taken: boolean }>(sql`
    update one_time_tokens t set token_hash = ${hash}
    where id = ${id} and purpose = ${purpose} and used_at is null and expires_at > now()
    returning email, exists (select from users u where u.email = t.email) as taken`);
  if (!row) return null;
  const { path, letter, taken } = CONFIRMING[purpose];
  const url = `${appUrl}/${path}#token=${text}`;
  return { to: row.email, letter: row.taken ? taken(appUrl) : letter(url) };
}

interface Resetting {
  id: string;
  hasPassword: boolean;
  /** Those that the user signs in with (U6). */
  providers: (keyof typeof PROVIDER_NAMES)[];
}

async function reset(db: Database, appUrl: string, email: string): Promise<Letter> {
  const [user] = await db.query<Resetting>(sql`
    select id, password_hash is not null as "hasPassword",
      array(select distinct provider from identities i where i.user_id = u.id order by 1) as providers
    from users u where email = ${email}`);
  if (!user) return en.noSuchUser(appUrl);
  if (!user.hasPassword) {
    return en.passwordNotSet(
      appUrl,
      user.providers.map((provider) => PROVIDER_NAMES[provider]),
    );
  }
  const { text, hash } = newToken("ONE_TIME", null);
  const now = new Date();
  await db.query(sql`
    with voided as (
      delete from one_time_tokens where user_id = ${user.id} and purpose = 'RESET_PASSWORD')
    insert into one_time_tokens (id, purpose, user_id, email, token_hash, expires_at, created_at)
    values (${newId("OneTimeToken")}, 'RESET_PASSWORD', ${user.id}, ${email}, ${hash},
      ${new Date(now.getTime() + RESET_LASTS_MS)}, ${now})`);
  return en.resetPassword(`${appUrl}/reset-password#token=${text}`);
}
