import type { Queryable } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import { RateLimited } from "../errors";
import { networkOf } from "../net/addresses";
import { emailTyped } from "./emails";
import { hashOf } from "./tokens";

/** So many tries at once; the next one begins a first wait, which doubles up to the longest. */
interface Limit {
  key: string;
  free: number;
  firstSeconds: number;
  longestSeconds: number;
  /** Whoever tries nothing for so long begins anew. */
  hours: number;
}

/** Mails that a caller has sent by knowing an address. */
export type MailAsked = "sign_up" | "reset_password" | "update_email";

/** Tries at a person's secret, and requests for a mail to them. */
export interface Guesser {
  /** What is tried or asked for: each kind is counted by itself. */
  secret: "password" | "code" | MailAsked;
  /** As it was typed: counted alike, whether or not somebody has it (U2). */
  email: string;
  ip: string | null;
  /** The browser, where the person has signed in with it before; for a mail, where any person has. */
  deviceHash?: Buffer | null;
  /** The session that they are in. */
  sessionId?: string | null;
}

/** Tries at what is nobody's before it is found, and at what costs us something. */
export interface Stranger {
  secret: "token" | "key" | "flow" | "choice";
  ip: string | null;
}

/** A mail that is about to be sent. */
export interface Mailing {
  mail: MailAsked;
  to: string;
  /** The browser and the address that it was asked for by, where the user has signed in there before. */
  ownDevice: Buffer | null;
  ownIp: string | null;
}

/** Of strangers, who may share an address and make mistakes side by side. */
const FREE = { token: 20, key: 5, flow: 50, choice: 20 };

/**
 * Of a person, wherever they are. Six digits are few, so what is tried in a day counts; a password's owner
 * comes back sooner. Requests for mails are not among them: an attacker would keep the person from theirs.
 */
const ELSEWHERE: Partial<Record<Guesser["secret"], Partial<Limit>>> = {
  code: { free: 10, hours: 24 },
  password: { free: 50, longestSeconds: 60 },
};

/**
 * How many mails of a kind go to an address at once, from wherever they are asked for: two links of a
 * sign-up, as the first one may not arrive. Then an hour, two, four and eight pass between them, and
 * twelve at last: in a day five or six.
 */
const MAILS = { sign_up: 2, update_email: 2, reset_password: 1 };
const isMail = (secret: Guesser["secret"]): secret is MailAsked => secret in MAILS;

/** The same where the person has signed in. */
const MAILS_OWN = 5;

/** The count of the caller's own first. */
type Limits = [Limit, ...Limit[]];

/**
 * Nobody guesses fast, from wherever; and nobody keeps a person out: what others do does not count
 * in a browser that the person has signed in with, nor in their session. Those are counted by
 * themselves: whoever has stolen one has as many networks as they like.
 */
function limitsOf(who: Guesser | Stranger): Limits {
  const { secret, ip } = who;
  const network = ip && networkOf(ip);
  const limit = { free: 5, firstSeconds: 2, longestSeconds: 900, hours: 1 };
  if (!("email" in who)) {
    // What a page can have any browser do keeps nobody out for long.
    const longestSeconds = secret === "flow" ? 60 : 900;
    return [{ ...limit, key: `${secret} from ${network}`, free: FREE[who.secret], longestSeconds }];
  }
  const person = personKey(who.email);
  const { deviceHash, sessionId } = who;
  const held = sessionId ? `in ${sessionId}` : deviceHash && byDevice(deviceHash);
  if (held) {
    return [
      { ...limit, key: `${secret} ${person} ${held}`, hours: 24 },
      // A mail goes to whatever address is asked for; a password or a code is this person's own.
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

/** Nobody waits for the disk: what a crash forgets are the tries of its last second. */
const QUICKLY = raw(`quickly as (select set_config('synchronous_commit', 'off', true))`);

/**
 * Counts a try at a secret before it is checked, so that many at once are counted too.
 *
 * @throws RateLimited with the seconds to wait; that try is not counted.
 */
export async function countTry(db: Queryable, who: Guesser | Stranger): Promise<void> {
  const wait = await count(db, limitsOf(who));
  if (wait !== null) throw new RateLimited(wait);
}

/**
 * Counts a mail before it is sent; gives whether it may be. Its sender alone knows: an answer to those
 * who ask for mails would tell whether the address has a user, and where they sign in (U3).
 */
export async function countMailing(db: Queryable, mailing: Mailing): Promise<boolean> {
  const { mail, to, ownDevice, ownIp } = mailing;
  const own = ownDevice ? byDevice(ownDevice) : ownIp && `from ${networkOf(ownIp)}`;
  const key = `mail ${mail} ${personKey(to)} ${own ?? "elsewhere"}`;
  const free = (own ? MAILS_OWN : MAILS[mail]) - 1; // one more begins the waits
  const hour = 3600;
  const limit = { key, free, firstSeconds: hour, longestSeconds: 12 * hour, hours: 24 };
  return (await count(db, [limit])) === null;
}

/** Counts a try for all of these or for none; gives the seconds to wait where it is for none. */
async function count(db: Queryable, limits: Limits): Promise<number | null> {
  const keys = limits.map(({ key }) => key);
  const [own, ...shared] = limits;
  const [found] = await db.query<{ counted: number; wait: number | null }>(sql`
    with ${QUICKLY}, blocked as (
      select max(free_at) as until from throttles where key = any(${keys}) and free_at > now()),
    own as (${counting([own], sql`(select until from blocked) is null`)}),
    -- Of many at once, those that their own count stops are held against nobody else.
    shared as (${counting(shared, sql`exists (select from own)`)})
    select (select count(*) from own)::int + (select count(*) from shared)::int as counted, quickly.*,
      (select greatest(1, ceil(extract(epoch from until - now()) - 0.001))::int from blocked) as wait
    from quickly`);
  return found!.counted < keys.length ? (found!.wait ?? 1) : null;
}

/** One more try for each, where the condition holds and none has to wait; gives those counted. */
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
      -- Never just now: of two at once, the later may be the first to write.
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

/** The try was good: nothing of it is held against the person or the network. */
export async function forgive(db: Queryable, who: Guesser | Stranger): Promise<void> {
  const keys = limitsOf(who).map(({ key }) => key);
  // Taken in the order of trying: otherwise two who hold what the other wants would wait forever.
  await db.query(sql`
    with ${QUICKLY}, held as (
      select t.key, a.n from unnest(${keys}::text[]) with ordinality a(key, n)
        join throttles t using (key) order by a.n for update of t)
    update throttles t set tries = case held.n when 1 then 0 else greatest(t.tries - 1, 0) end,
      free_at = case held.n when 1 then to_timestamp(0) else t.free_at end
    from held, quickly where t.key = held.key`);
}

/**
 * Forgets the wrong passwords of a user who has a new one: they were tries at the old one. Wrong codes
 * still count, as does what was tried from a network: an attacker who resets a password of their own
 * gets no more tries at the passwords of others.
 */
export async function forgivePassword(db: Queryable, email: string): Promise<void> {
  const first = `password ${personKey(email)}`;
  // Taken in the order of trying, as above: the longer key first. "!" is the character after a space.
  await db.query(sql`
    with held as (
      select key from throttles where key >= ${first} and key < ${`${first}!`}
      order by key desc for update)
    delete from throttles t using held where t.key = held.key`);
}

const byDevice = (hash: Buffer) => `by ${hash.toString("base64url")}`;

/** Stands for a person in keys: their address is nobody's to read there. */
export const personKey = (email: string) => hashOf(emailTyped(email)).toString("base64url");

/**
 * A statement that gives one row where nothing of this name was noted within the last `window`: of many
 * at once, one gets it.
 */
export const noteOnce = (name: string, window: string): Sql => sql`
  insert into throttles as t (key, tries, free, longest_seconds, free_at, resets_at)
  values (${name}, 1, 1, 1, to_timestamp(0), now() + ${window}::interval)
  on conflict (key) do update set resets_at = excluded.resets_at where t.resets_at <= now()
  returning key`;
