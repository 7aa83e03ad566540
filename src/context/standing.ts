import type { Queryable } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import { PrincipalKind } from "../entities/Event";
import { LOWEST, type Roles, rolesOf } from "../entities/roles";
import { NotFound, Unauthenticated } from "../errors";
import { IDLE_MS } from "../identity/sessions";
import type { Principal, Standing } from "../principal";

/** What a statement that finds a standing selects, for a membership `m` or a service user `s`. */
export interface StandingRow extends Roles {
  accountId: string;
  membershipId: string | null;
  serviceUserId: string | null;
  disabledAt: Date | null;
  mfaMissing: boolean;
}

/** The principal's standing in each of these accounts; none where they have no place. */
export async function standingsIn(
  db: Queryable,
  principal: Principal,
  accountIds: readonly string[],
): Promise<Map<string, Standing>> {
  const accounts = [...accountIds];
  const { columns, join } = place(principal);
  const rows = await db.query<StandingRow>(sql`
    select ${columns} from accounts a join ${join}
    where a.id = any(${accounts}) and a.deleted_at is null`);
  return new Map(rows.map((row) => [row.accountId, standing(principal.id, row)]));
}

/**
 * Takes the account's row until commit, and reads the principal's standing in it as it is once
 * the row is ours: whoever was demoted, disabled or removed while waiting is so here, and
 * nobody whose session or key ended meanwhile gets a standing.
 *
 * One statement is enough only since every row in it is locked, the account's first: PostgreSQL
 * reads a row anew when locking it finds it changed, and any other as it was before the wait
 * (https://www.postgresql.org/docs/current/transaction-iso.html, Read Committed). It takes
 * `for share`: a weaker lock would not meet the change.
 *
 * @throws Unauthenticated when the session or key has ended.
 * @throws NotFound when the account is closed, or the principal is not in it any more.
 */
export async function holdStanding(
  tx: Queryable,
  principal: Principal,
  accountId: string,
): Promise<Standing> {
  const { columns, join } = place(principal);
  const [row] = await tx.query<StandingRow>(sql`
    select ${columns} from accounts a join ${join} join ${proof(principal)}
    where a.id = ${accountId} and a.deleted_at is null
    for no key update of a for share of m, p`);
  if (row) return standing(principal.id, row);
  const proven = await tx.query(sql`select from (select) here join ${proof(principal)}`);
  if (proven.length) throw new NotFound(accountId);
  throw new Unauthenticated("The session or API key ended meanwhile. Sign in again.");
}

/** Where the principal stands in the account `a`: their row `m`, and what it tells. */
export function place({ kind, id }: Principal): { columns: Sql; join: Sql } {
  return kind === PrincipalKind.SERVICE_USER
    ? {
        columns: sql`a.id as "accountId", null as "membershipId", m.id as "serviceUserId",
          ${LOWEST_AS.administrator} as administrator, m.developer, ${LOWEST_AS.team} as team,
          ${LOWEST_AS.billing} as billing, m.disabled_at as "disabledAt", false as "mfaMissing"`,
        join: sql`service_users m on m.account_id = a.id and m.id = ${id}
          and m.deleted_at is null`,
      }
    : {
        columns: sql`a.id as "accountId", m.id as "membershipId", null as "serviceUserId",
          m.administrator, m.developer, m.team, m.billing, m.disabled_at as "disabledAt",
          ${MFA_MISSING} as "mfaMissing"`,
        join: sql`memberships m on m.account_id = a.id and m.user_id = ${id}
          and m.removed_at is null`,
      };
}

/** Whether the account `a` requires a second factor of the member `m`, who has none. */
export const MFA_MISSING = raw(`(a.mfa_required and not exists (
  select from users where users.id = m.user_id and users.mfa_enabled_at is not null))`);

/** The session or key `p` that the principal came with, as long as it is good. */
function proof({ credentialId, sessionId, accountId, authenticatedAt }: Principal): Sql {
  return credentialId
    ? sql`credentials p on p.account_id = ${accountId} and p.id = ${credentialId}
        and p.revoked_at is null and (p.expires_at is null or p.expires_at > now())`
    : sql`sessions p on p.id = ${sessionId} and p.authenticated_at = ${authenticatedAt}
        and p.ended_at is null and p.expires_at > now()
        and p.last_used_at > ${new Date(Date.now() - IDLE_MS)}`;
}

export function standing(principalId: string, row: StandingRow): Standing {
  const { accountId, membershipId, serviceUserId, disabledAt, mfaMissing } = row;
  const place = { accountId, principalId, membershipId, serviceUserId };
  return { ...place, roles: rolesOf(row), disabledAt, mfaMissing, machine: null };
}

/** The roles a service user doesn't have, as SQL. */
export const LOWEST_AS = {
  administrator: raw(String(LOWEST.administrator)),
  team: raw(`'${LOWEST.team}'`),
  billing: raw(`'${LOWEST.billing}'`),
};
