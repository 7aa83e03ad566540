import type { Queryable } from "../database/database";
import { type Sql, sql } from "../database/sql";

/*
 * Where people have signed in. A session keeps that from its beginning. Where it was last used tells
 * nothing of its person: a thief of its token decides that.
 */

const LATELY = sql`s.created_at > now() - interval '90 days'`;

/** Whether the person of the alias `users` has signed in with that browser lately. */
export const isKnownDevice = (deviceHash: Buffer | null) => sql`exists (
  select from sessions s where s.user_id = users.id
    and ${LATELY} and s.device_hash = ${deviceHash})`;

/** Whether the person of the alias `users` has signed in from that network lately. */
export const isKnownNetwork = (ip: string | null) => sql`exists (
  select from sessions s where s.user_id = users.id and ${LATELY} and ${signedInFrom(ip)})`;

/** Whether the session of the alias `s` was opened from the network of that address. */
export const signedInFrom = (ip: string | null) =>
  sql`${network(sql`s.signed_in_ip`)} = ${network(sql`${ip}::inet`)}`;

/** The network of an address, as `networkOf` says it. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;

/** Whether anyone has signed in with that browser lately: it tells nothing of an email that was typed. */
export async function isUsedDevice(
  db: Pick<Queryable, "query">,
  deviceHash: Buffer,
): Promise<boolean> {
  const [found] = await db.query(sql`
    select from sessions s where s.device_hash = ${deviceHash} and ${LATELY} limit 1`);
  return found !== undefined;
}
