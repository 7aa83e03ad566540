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
  /** False where an earlier try has counted the mail already. */
  firstTry: boolean;
}

/**
 * Writes a mail and sends it. What the mail says depends on whether the email has a user. The job looks
 * this up, so that the time of the answer does not depend on it (U3). The language is that of the user
 * who has the address, also where another person caused the mail.
 *
 * A job may be tried again: each try makes a new token, and voids the token of the try before. The job
 * sends nothing for a request that a later request has voided. It also sends nothing where the address
 * would get too many mails: the link in the last mail stays valid then.
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

/** The page that the link to confirm an address opens, and the mails to a free and to a taken address. */
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
  /** Of the user who has the address, else of the user who wants it. */
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
  /** The providers that the user signs in with (U6). */
  providers: (keyof typeof PROVIDER_NAMES)[];
  /** Whether the user has signed in with the browser that the request came from. */
  ownDevice: boolean;
  /** Whether the user has signed in from the network that the request came from. */
  ownNetwork: boolean;
}

async function reset(
  { db, appUrl, firstTry }: Post,
  request: Extract<QueuedMail, { kind: "reset_password" }>,
): Promise<Written> {
  const { id, requestedAt, email, language: asked } = request;
  // A job that an older version has queued has neither.
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
