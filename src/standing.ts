import type { Queryable } from "./database/database";
import { raw, type Sql, sql } from "./database/sql";
import { PrincipalKind } from "./entities/Event";
import { LOWEST, type Roles, rolesOf } from "./entities/roles";
import type { Principal, Standing } from "./principal";

/** What a statement that finds a standing selects, for a membership `m` or a service user `s`. */
export interface StandingRow extends Roles {
  accountId: string;
  membershipId: string | null;
  serviceUserId: string | null;
  disabledAt: Date | null;
}

/** The principal's standing in each of these accounts; none where they have no place. */
export async function standingsIn(
  db: Queryable,
  principal: Principal,
  accountIds: readonly string[],
): Promise<Map<string, Standing>> {
  const accounts = [...accountIds];
  if (principal.kind === PrincipalKind.SYSTEM) {
    return new Map(accounts.map((accountId) => [accountId, systemStanding(principal, accountId)]));
  }
  const rows = await db.query<StandingRow>(
    principal.kind === PrincipalKind.SERVICE_USER
      ? sql`
        select s.account_id as "accountId", null as "membershipId", s.id as "serviceUserId",
          ${LOWEST_AS.administrator} as administrator, s.developer, ${LOWEST_AS.team} as team,
          ${LOWEST_AS.billing} as billing, s.disabled_at as "disabledAt"
        from service_users s join accounts a on a.id = s.account_id and a.deleted_at is null
        where s.account_id = any(${accounts}) and s.id = ${principal.id} and s.deleted_at is null
          and ${proof(principal)}`
      : sql`
        select m.account_id as "accountId", m.id as "membershipId", null as "serviceUserId",
          m.administrator, m.developer, m.team, m.billing, m.disabled_at as "disabledAt"
        from memberships m join accounts a on a.id = m.account_id and a.deleted_at is null
        where m.account_id = any(${accounts}) and m.user_id = ${principal.id}
          and m.removed_at is null and ${proof(principal)}`,
  );
  return new Map(rows.map((row) => [row.accountId, standing(principal.id, row)]));
}

/** Whether the session or key that a principal came with is still good. */
export async function stillProven(db: Queryable, principal: Principal): Promise<boolean> {
  return (await db.query(sql`select where ${proof(principal)}`)).length > 0;
}

/** The same, as a condition: a key revoked while its request waits gets nowhere. */
function proof({ credentialId, sessionId, accountId }: Principal): Sql {
  return credentialId
    ? sql`exists (select from credentials c where c.account_id = ${accountId}
        and c.id = ${credentialId} and c.revoked_at is null
        and (c.expires_at is null or c.expires_at > now()))`
    : sql`exists (select from sessions p where p.id = ${sessionId} and p.ended_at is null)`;
}

export function standing(principalId: string, row: StandingRow): Standing {
  const { accountId, membershipId, serviceUserId, disabledAt } = row;
  const roles = rolesOf(row);
  return { accountId, principalId, membershipId, serviceUserId, roles, disabledAt, machine: null };
}

/** A machine of our own: no role at all, and what policies allow "system". */
function systemStanding({ id: principalId }: Principal, accountId: string): Standing {
  const nobody = { membershipId: null, serviceUserId: null, disabledAt: null };
  return { ...nobody, accountId, principalId, roles: LOWEST, machine: "system" };
}

/** The roles a service user doesn't have, as SQL. */
export const LOWEST_AS = {
  administrator: raw(String(LOWEST.administrator)),
  team: raw(`'${LOWEST.team}'`),
  billing: raw(`'${LOWEST.billing}'`),
};
