import { type Sql, sql } from "../../database/sql";

/**
 * Whether the session of the alias `s` was opened from the network of that address. Where it was last
 * used tells nothing of the person: a thief of its token decides that.
 */
export const signedInFrom = (ip: string | null) =>
  sql`${network(sql`s.signed_in_ip`)} = ${network(sql`${ip}::inet`)}`;

/** The network of an address, as `networkOf` says it. */
const network = (ip: Sql) =>
  sql`network(set_masklen(${ip}, case family(${ip}) when 6 then 64 else 32 end))`;
