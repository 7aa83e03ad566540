import type { Queryable } from "../database/database";
import { type Sql, sql } from "../database/sql";
import { ACCOUNT_IS_OPEN, factsOf, PLACE_IS_HELD, USER_OF } from "../policies/gate";
import type { Principal, Standing } from "../principal";
import { placeKind, placeOf, standingColumns, standingOf, type StandingRow } from "./standing";

/** A caller in more accounts than this is not remembered. */
const MAX_ACCOUNTS = 100;

/**
 * A caller as they were when last authenticated. It is a guess, and good only for a statement
 * that verifies it: it holds everything that rules and the gate look at.
 */
export interface RememberedCaller {
  readonly principal: Principal;
  /** Of an API key one; of a session one for each account its user is in. */
  readonly standings: readonly Standing[];
  readonly tokenHash: Buffer;
  /** Of a session: everything that its user's memberships say, in one text. */
  readonly fingerprint: string | null;
  /** When the use of the token was last noted. */
  lastUsedAt: Date | null;
}

/** Everything that makes the standings of a user, in one text. */
export const fingerprintOf = (userId: Sql): Sql => sql`(
  select coalesce(string_agg(concat_ws(' ', m.account_id, m.id, m.administrator, m.developer,
    m.team, m.billing, ${factsOf("member")}), ',' order by m.id), '')
  from memberships m join accounts a on a.id = m.account_id and ${ACCOUNT_IS_OPEN}${USER_OF.member}
  where m.user_id = ${userId} and ${PLACE_IS_HELD.member})`;

interface Authenticated {
  caller: Principal;
  standing: Standing | null;
  tokenHash: Buffer;
  lastUsedAt: Date | null;
}

/** The caller of an API key, who is in one account: there is nothing more to find out. */
export function rememberedKey(
  principal: Principal,
  standing: Standing,
  { tokenHash, lastUsedAt }: Pick<Authenticated, "tokenHash" | "lastUsedAt">,
): RememberedCaller {
  return { principal, standings: [standing], tokenHash, lastUsedAt, fingerprint: null };
}

/** Remembers a caller who was just authenticated; null for one who is in too many accounts. */
export async function rememberCaller(
  db: Queryable,
  { caller: principal, standing, tokenHash, lastUsedAt }: Authenticated,
): Promise<RememberedCaller | null> {
  const same = { principal, tokenHash, lastUsedAt };
  if (standing) return rememberedKey(principal, standing, same);
  const kind = placeKind(principal);
  const rows = await db.query<StandingRow & { fingerprint: string }>(sql`
    select f.fingerprint, p.* from (select ${fingerprintOf(sql`${principal.id}`)} as fingerprint) f
    left join (select ${standingColumns(kind)} from accounts a join ${placeOf(kind, principal.id)}
      where ${ACCOUNT_IS_OPEN} limit ${MAX_ACCOUNTS + 1}) p on true`);
  if (rows.length > MAX_ACCOUNTS) return null;
  const standings = rows
    .filter(({ accountId }) => accountId)
    .map((row) => standingOf(principal, row));
  return { ...same, standings, fingerprint: rows[0]!.fingerprint };
}
