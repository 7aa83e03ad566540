import type { Queryable } from "../database/database";
import { type Sql, sql } from "../database/sql";

/*
 * Where users have signed in. A session stores the browser and the address of its sign-in. The address of
 * its last use proves nothing about the user: it may be that of a thief who has the token.
 */

const LATELY = sql`s.created_at > now() - interval '90 days'`;

/** Whether the user of the alias `users` has signed in with this browser in the last 90 days. */
export const isKnownDevice = (deviceHash: Buffer | null) => sql`exists (
  select from sessions s where s.user_id = users.id
    and ${LATELY} and s.device_hash = ${deviceHash})`;

/** Whether the user of the alias `users` has signed in from this network in the last 90 days. */
export const isKnownNetwork = (ip: string | null) => sql`exists (
  select from sessions s where s.user_id = users.id and ${LATELY} and ${signedInFrom(ip)})`;

/** Whether the session of the alias `s` was opened from the network of this address. */
export const signedInFrom = (ip: string | null) =>
  sql`${network(sql`s.signed_in_ip`)} = ${network(sql`${ip}::inet`)}`;

/** The network of an address, as `networkOf` gives it, in SQL. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;

/** Whether any user has signed in with this browser lately. It does not depend on the email asked for. */
export async function isUsedDevice(
  db: Pick<Queryable, "query">,
  deviceHash: Buffer,
): Promise<boolean> {
  const [found] = await db.query(sql`
    select from sessions s where s.device_hash = ${deviceHash} and ${LATELY} limit 1`);
  return found !== undefined;
}
