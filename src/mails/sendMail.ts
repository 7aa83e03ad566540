import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { isKnownDevice, isKnownNetwork } from "../identity/knownPlaces";
import { addresseeOf, issueReset, renewConfirmation } from "../identity/oneTimeTokens";
import { PROVIDER_NAMES } from "../identity/providers";
import { countMailing } from "../identity/throttle";
import { type Language, languageOf, MAILS } from "./languages";
import type { Letter } from "./letter";
import type { Mailer } from "./mailer";
import type { QueuedMail } from "./queueMail";

interface Post {
  db: Database;
  mailer: Mailer;
  /** Where links lead. */
  appUrl: string;
  /** Whether no try before has counted the mail. */
  firstTry: boolean;
}

/**
 * Writes a mail and sends it. What it says depends on whether the email has a user, which is
 * found out here and not while anybody waits for an answer (U3). So is the language: that of the
 * user whose address it is, whoever caused the mail. May be tried again: each try makes a token of
 * its own, and voids that of the one before. The job of a request that a later one has voided mails
 * nothing, and neither does one that an address would get too many by: the link before goes on then.
 */
export async function sendMail(post: Post, mail: QueuedMail): Promise<void> {
  const written = await write(post, mail);
  if (written) await post.mailer.send(written.to, written.language, written.letter);
}

type Written = { to: string; language: Language; letter: Letter } | null;

async function write(post: Post, mail: QueuedMail): Promise<Written> {
  const { db } = post;
  switch (mail.kind) {
    case "sign_up":
      return confirming(post, "SIGN_UP", mail.id, mail.requestedAt ?? null);
    case "update_email":
      return confirming(post, "UPDATE_EMAIL", mail.id, null);
    case "reset_password":
      return reset(post, mail);
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
  SIGN_UP: {
    mail: "sign_up",
    path: "verify-email",
    letter: "verifyEmail",
    taken: "alreadySignedUp",
  },
  UPDATE_EMAIL: {
    mail: "update_email",
    path: "confirm-email",
    letter: "updateEmail",
    taken: "emailTaken",
  },
} as const;

interface Addressee {
  taken: boolean;
  /** Of the user who has the address; else of the one who wants it. */
  language: string | null;
}

async function confirming(
  { db, appUrl, firstTry }: Post,
  purpose: keyof typeof CONFIRMING,
  id: string,
  requestedAt: string | null,
): Promise<Written> {
  const { mail, path, letter, taken } = CONFIRMING[purpose];
  if (firstTry) {
    const to = await addresseeOf(db, purpose, id, requestedAt);
    if (to === null || !(await countMailing(db, { mail, to, ownDevice: null, ownIp: null })))
      return null;
  }
  const confirmation = await renewConfirmation(db, purpose, id, requestedAt);
  if (!confirmation) return null;
  const { token, email: to, userId } = confirmation;
  const [addressee] = await db.query<Addressee>(sql`
    select owner.id is not null as taken, coalesce(owner.language, asking.language) as language
    from (select ${to}::text as email, ${userId}::text as user_id) wanted
      left join users owner on owner.email = wanted.email
      left join users asking on asking.id = wanted.user_id`);
  const language = languageOf(addressee!.language ?? confirmation.language);
  const mails = MAILS[language];
  const url = `${appUrl}/${path}#token=${token}`;
  return { to, language, letter: addressee!.taken ? mails[taken](appUrl) : mails[letter](url) };
}

interface Resetting {
  id: string;
  language: string;
  hasPassword: boolean;
  /** Those that the user signs in with (U6). */
  providers: (keyof typeof PROVIDER_NAMES)[];
  /** Whether the user has signed in where it was asked for. */
  ownDevice: boolean;
  ownNetwork: boolean;
}

async function reset(
  { db, appUrl, firstTry }: Post,
  request: Extract<QueuedMail, { kind: "reset_password" }>,
): Promise<Written> {
  const { id, requestedAt, email, language: asked } = request;
  // A job that was queued before these were kept has neither.
  const { ip = null, device = null } = request;
  const deviceHash = device === null ? null : Buffer.from(device, "base64url");
  const [user] = await db.query<Resetting>(sql`
    select id, language, password_hash is not null as "hasPassword",
      array(select distinct provider from identities i where i.user_id = users.id order by 1)
        as providers,
      ${isKnownDevice(deviceHash)} as "ownDevice",
      ${isKnownNetwork(ip)} as "ownNetwork"
    from users where email = ${email}`);
  if (firstTry) {
    const ownDevice = user?.ownDevice ? deviceHash : null;
    const ownIp = user?.ownNetwork ? ip : null;
    const mailing = { mail: "reset_password", to: email, ownDevice, ownIp } as const;
    if (!(await countMailing(db, mailing))) return null;
  }
  const language = languageOf(user ? user.language : asked);
  const mails = MAILS[language];
  const written = (letter: Letter) => ({ to: email, language, letter });
  if (!user) return written(mails.noSuchUser(appUrl));
  if (!user.hasPassword) {
    const providers = user.providers.map((provider) => PROVIDER_NAMES[provider]);
    return written(mails.passwordNotSet(appUrl, providers));
  }
  const token = await issueReset(db, { id: user.id, email }, { id, requestedAt });
  return token ? written(mails.resetPassword(`${appUrl}/reset-password#token=${token}`)) : null;
}
