import type { Queryable } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import { RateLimited } from "../errors";
import { networkOf } from "../net/addresses";
import { emailTyped } from "./emails";
import { hashOf } from "./tokens";

/** So many tries are free. The next one begins a first wait, which doubles up to the longest wait. */
interface Limit {
  key: string;
  free: number;
  firstSeconds: number;
  longestSeconds: number;
  /** The count is reset after so long without a try. */
  hours: number;
}

/** Mails that a caller can request. */
export type MailAsked = "sign_up" | "reset_password" | "update_email";

/** A try at a user's secret, or a request for a mail to an address. */
export interface Guesser {
  /** What is tried or requested. Each kind has its own counts. */
  secret: "password" | "code" | MailAsked;
  /** As it was typed. It is counted in the same way whether or not it has a user (U2). */
  email: string;
  ip: string | null;
  /** The browser, if the user has signed in with it; for a mail, if any user has. */
  deviceHash?: Buffer | null;
  /** The session of the request. */
  sessionId?: string | null;
}

/** A try at a secret whose owner is not known before it is found, or a request that is expensive. */
export interface Stranger {
  secret: "token" | "key" | "flow" | "choice";
  ip: string | null;
}

/** A mail that is about to be sent. */
export interface Mailing {
  mail: MailAsked;
  to: string;
  /** The browser and the address of the request, where the user has signed in there before. */
  ownDevice: Buffer | null;
  ownIp: string | null;
}

/** Free tries of a network: many users may share its address, and each may make a mistake. */
const FREE = { token: 20, key: 5, flow: 50, choice: 20 };

/**
 * Limits of a user over all networks. A code has few digits, so its tries are counted for a day. The waits
 * for a password are short, so that an attacker does not keep its owner out. Requests for mails have no such
 * limit: by it an attacker could keep the user from getting a mail.
 */
const ELSEWHERE: Partial<Record<Guesser["secret"], Partial<Limit>>> = {
  code: { free: 10, hours: 24 },
  password: { free: 50, longestSeconds: 60 },
};

/**
 * How many mails of a kind an address gets without a wait: two links of a sign-up, as the first one may
 * not arrive. The waits after that are 1, 2, 4, 8 and 12 hours, so it gets five or six in a day.
 */
const MAILS = { sign_up: 2, update_email: 2, reset_password: 1 };
const isMail = (secret: Guesser["secret"]): secret is MailAsked => secret in MAILS;

/** The same for requests from where the user has signed in before. */
const MAILS_OWN = 5;

/** The first limit is the caller's own. The others are shared with other callers. */
type Limits = [Limit, ...Limit[]];

/**
 * Slows down an attacker, wherever they try from, and does not let them keep a user out: tries of other
 * callers do not count for a browser that the user has signed in with, nor for their session. Each of
 * these has a count of its own over all networks, as a thief may use many networks.
 */
function limitsOf(who: Guesser | Stranger): Limits {
  const { secret, ip } = who;
  const network = ip && networkOf(ip);
  const limit = { free: 5, firstSeconds: 2, longestSeconds: 900, hours: 1 };
  if (!("email" in who)) {
    // Any web page can make its visitors' browsers begin a sign-in, so these waits are short.
    const longestSeconds = secret === "flow" ? 60 : 900;
    return [{ ...limit, key: `${secret} from ${network}`, free: FREE[who.secret], longestSeconds }];
  }
  const person = personKey(who.email);
  const { deviceHash, sessionId } = who;
  const held = sessionId ? `in ${sessionId}` : deviceHash && byDevice(deviceHash);
  if (held) {
    return [
      { ...limit, key: `${secret} ${person} ${held}`, hours: 24 },
      // A caller can ask for mails to any address, so they are also counted for all addresses together.
      ...(isMail(who.secret) ? [{ ...limit, key: `${secret} ${held}`, free: 50 }] : []),
    ];
  }
  const elsewhere = ELSEWHERE[who.secret];
  return [
    { ...limit, key: `${secret} ${person} ${network}` },
    ...(elsewhere ? [{ ...limit, key: `${secret} ${person}`, ...elsewhere }] : []),
    ...(network ? [{ ...limit, key: `${secret} from ${network}`, free: 50 }] : []),
  ];
}

/** A commit does not wait for the disk. A crash loses at most the tries of the last second. */
const QUICKLY = raw(`quickly as (select set_config('synchronous_commit', 'off', true))`);

/**
 * Counts a try at a secret before the secret is checked, so that many tries at the same time all count.
 *
 * @throws RateLimited with the seconds to wait. Such a try is not counted.
 */
export async function countTry(db: Queryable, who: Guesser | Stranger): Promise<void> {
  const wait = await count(db, limitsOf(who));
  if (wait !== null) throw new RateLimited(wait);
}

/**
 * Counts a mail before it is sent, and returns whether it may be sent. The job does this after the answer:
 * an error would tell the caller whether the address has a user, and where that user signs in (U3).
 */
export async function countMailing(db: Queryable, mailing: Mailing): Promise<boolean> {
  const { mail, to, ownDevice, ownIp } = mailing;
  const own = ownDevice ? byDevice(ownDevice) : ownIp && `from ${networkOf(ownIp)}`;
  const key = `mail ${mail} ${personKey(to)} ${own ?? "elsewhere"}`;
  const free = (own ? MAILS_OWN : MAILS[mail]) - 1; // the next one begins the waits
  const hour = 3600;
  const limit = { key, free, firstSeconds: hour, longestSeconds: 12 * hour, hours: 24 };
  return (await count(db, [limit])) === null;
}

/** Counts a try for all limits, or for none. Returns the seconds to wait if it counted for none. */
async function count(db: Queryable, limits: Limits): Promise<number | null> {
  const keys = limits.map(({ key }) => key);
  const [own, ...shared] = limits;
  const [found] = await db.query<{ counted: number; wait: number | null }>(sql`
    with ${QUICKLY}, blocked as (
      select max(free_at) as until from throttles where key = any(${keys}) and free_at > now()),
    own as (${counting([own], sql`(select until from blocked) is null`)}),
    -- Of many at the same time, tries that the caller's own count stops do not count for the others.
    shared as (${counting(shared, sql`exists (select from own)`)})
    select (select count(*) from own)::int + (select count(*) from shared)::int as counted, quickly.*,
      (select greatest(1, ceil(extract(epoch from until - now()) - 0.001))::int from blocked) as wait
    from quickly`);
  return found!.counted < keys.length ? (found!.wait ?? 1) : null;
}

/** Counts a try for each limit where the condition holds and no wait is on. Returns the counted keys. */
function counting(limits: readonly Limit[], condition: Sql): Sql {
  const keys = limits.map(({ key }) => key);
  const free = limits.map((limit) => limit.free);
  const first = limits.map((limit) => limit.firstSeconds);
  const longest = limits.map((limit) => limit.longestSeconds);
  const hours = limits.map((limit) => limit.hours);
  return sql`
    insert into throttles as t
      (key, tries, free, first_seconds, longest_seconds, free_at, resets_at)
    select a.key, 1, a.free, a.first, a.longest,
      case when a.free > 0 then to_timestamp(0) else now() + make_interval(secs => a.first) end,
      now() + make_interval(hours => a.hours)
    from unnest(${keys}::text[], ${free}::int[], ${first}::int[], ${longest}::int[], ${hours}::int[])
      with ordinality a(key, free, first, longest, hours, n)
    where ${condition} order by a.n
    on conflict (key) do update set
      tries = case when t.resets_at <= now() then 1 else t.tries + 1 end,
      -- Never now(): of two statements at the same time, the one that began later may write first.
      free_at = case
        when t.resets_at <= now() then excluded.free_at
        when t.tries < excluded.free then to_timestamp(0)
        else now() + make_interval(secs => least(
          excluded.first_seconds * 2 ^ least(t.tries - excluded.free, 20),
          excluded.longest_seconds)) end,
      resets_at = excluded.resets_at
    where t.free_at <= now()
    returning key`;
}

/** Takes back the count of a try that was right, for the user and for the network. */
export async function forgive(db: Queryable, who: Guesser | Stranger): Promise<void> {
  const keys = limitsOf(who).map(({ key }) => key);
  // Locked in the same order as by `countTry`, so that there is no deadlock.
  await db.query(sql`
    with ${QUICKLY}, held as (
      select t.key, a.n from unnest(${keys}::text[]) with ordinality a(key, n)
        join throttles t using (key) order by a.n for update of t)
    update throttles t set tries = case held.n when 1 then 0 else greatest(t.tries - 1, 0) end,
      free_at = case held.n when 1 then to_timestamp(0) else t.free_at end
    from held, quickly where t.key = held.key`);
}

/**
 * Forgets the wrong passwords of a user who has a new password, as they were tries at the old one. Wrong
 * codes still count, and so do the tries of a network: an attacker who resets their own password gets no
 * more tries at the passwords of others.
 */
export async function forgivePassword(db: Queryable, email: string): Promise<void> {
  const first = `password ${personKey(email)}`;
  // Locked in the same order as above: the longer key first. "!" is the character after a space.
  await db.query(sql`
    with held as (
      select key from throttles where key >= ${first} and key < ${`${first}!`}
      order by key desc for update)
    delete from throttles t using held where t.key = held.key`);
}

const byDevice = (hash: Buffer) => `by ${hash.toString("base64url")}`;

/** A hash that stands for a user in keys, so that the table has no email addresses. */
export const personKey = (email: string) => hashOf(emailTyped(email)).toString("base64url");

/**
 * A statement that returns a row where it has returned none for this name within the last `window`. Of
 * many at the same time, one gets the row.
 */
export const noteOnce = (name: string, window: string): Sql => sql`
  insert into throttles as t (key, tries, free, longest_seconds, free_at, resets_at)
  values (${name}, 1, 1, 1, to_timestamp(0), now() + ${window}::interval)
  on conflict (key) do update set resets_at = excluded.resets_at where t.resets_at <= now()
  returning key`;
