import type { Queryable } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import { PrincipalKind } from "../entities/Event";
import { LOWEST, type Roles, rolesOf } from "../entities/roles";
import { NotFound, Unauthenticated } from "../errors";
import {
  ACCOUNT_IS_OPEN,
  factsOf,
  PLACE_IS_HELD,
  type PlaceKind,
  PLACES,
  USER_OF,
} from "../policies/gate";
import type { Principal, Standing } from "../principal";
import { credentialIsGood, sessionIsOpen } from "./proof";

/** What `standingColumns` selects. */
export interface StandingRow extends Roles {
  accountId: string;
  membershipId: string | null;
  serviceUserId: string | null;
  facts: Standing["facts"];
}

/** The principal's standing in each of these accounts; none where they have no place. */
export async function standingsIn(
  db: Queryable,
  principal: Principal,
  accountIds: readonly string[],
): Promise<Map<string, Standing>> {
  const accounts = [...accountIds];
  const kind = placeKind(principal);
  const rows = await db.query<StandingRow>(sql`
    select ${standingColumns(kind)} from accounts a join ${placeOf(kind, principal.id)}
    where a.id = any(${accounts}) and ${ACCOUNT_IS_OPEN}`);
  return new Map(rows.map((row) => [row.accountId, standingOf(principal, row)]));
}

/** A caller is no longer as they were remembered. Nothing was done; it is found out who they are now. */
export class OutOfDate extends Error {}

/**
 * Takes the account's row until commit, and reads the principal's standing in it as it is once
 * the row is ours: a member who was demoted, disabled or removed while waiting is so here, and a
 * caller whose session or key ended meanwhile gets no standing.
 *
 * One statement is enough only since every row in it is locked, the account's first: PostgreSQL
 * reads a row anew when locking it finds it changed, and any other as it was before the wait
 * (https://www.postgresql.org/docs/current/transaction-iso.html, Read Committed). It takes
 * `for share`: a weaker lock would not meet the change. The rows are locked in the order in which they
 * are named here: accounts, then users, then sessions, as everywhere.
 *
 * @param tokenHash Of the API key, where the principal is only remembered: everything else that
 * makes the principal is compared as well.
 * @throws OutOfDate when a principal who was remembered has changed in any way.
 * @throws Unauthenticated when the session or key has ended.
 * @throws NotFound when the account is closed, or the principal is not in it any more.
 */
export async function holdStanding(
  tx: Queryable,
  principal: Principal,
  accountId: string,
  tokenHash?: Buffer,
): Promise<Standing> {
  const kind = placeKind(principal);
  const same = tokenHash ? SAME[kind](principal, tokenHash) : raw("");
  const [row] = await tx.query<StandingRow>(sql`
    select ${standingColumns(kind)}
    from accounts a join ${placeOf(kind, principal.id)} join ${proof(principal)}${same}
    where a.id = ${accountId} and ${ACCOUNT_IS_OPEN}
    for no key update of a for share of ${HELD[kind]}`);
  if (row) return standingOf(principal, row);
  if (tokenHash) throw new OutOfDate();
  const proven = await tx.query(sql`select from (select) here join ${proof(principal)}`);
  if (proven.length) throw new NotFound(accountId);
  throw new Unauthenticated("The session or API key ended meanwhile. Sign in again.");
}

/** What the gate and the rules look at, besides the account. */
const HELD = { member: raw("u, m, p"), serviceUser: raw("m, p") };

/** By which row a principal is in an account. */
export const placeKind = ({ kind }: Principal): PlaceKind =>
  kind === PrincipalKind.SERVICE_USER ? "serviceUser" : "member";

/** The principal's place `m` in the account `a`, and their user `u`, to be joined. */
export const placeOf = (kind: PlaceKind, principalId: unknown): Sql =>
  sql`${PLACES[kind]} m on m.account_id = a.id and ${PRINCIPAL_ID[kind]} = ${principalId}
    and ${PLACE_IS_HELD[kind]}${USER_OF[kind]}`;

const PRINCIPAL_ID = { member: raw("m.user_id"), serviceUser: raw("m.id") };

/** What makes a standing, of the account `a` and the principal's place `m` in it. */
export const standingColumns = (kind: PlaceKind): Sql =>
  sql`a.id as "accountId", ${OWN_COLUMNS[kind]}, ${factsOf(kind)} as facts`;

/** A service user has a developer role, and of all others the lowest (S1). */
const OWN_COLUMNS = {
  member: raw(`m.id as "membershipId", null as "serviceUserId",
    m.administrator, m.developer, m.team, m.billing`),
  serviceUser: raw(`null as "membershipId", m.id as "serviceUserId",
    ${LOWEST.administrator} as administrator, m.developer, '${LOWEST.team}' as team,
    '${LOWEST.billing}' as billing`),
};

/** The session or key `p` that the principal came with, as long as it is good. */
function proof({ credentialId, sessionId, accountId, authenticatedAt }: Principal): Sql {
  return credentialId
    ? sql`credentials p on p.account_id = ${accountId} and p.id = ${credentialId}
        and ${credentialIsGood}`
    : sql`sessions p on p.id = ${sessionId} and p.authenticated_at = ${authenticatedAt}
        and ${sessionIsOpen("p")}`;
}

/** Whether a key `p` is of this token, and its owner has the name and email that are remembered. */
const SAME: Record<PlaceKind, (principal: Principal, tokenHash: Buffer) => Sql> = {
  member: ({ subject, name, emailVerified }, tokenHash) => sql` and p.secret_hash = ${tokenHash}
    and p.membership_id = m.id and u.email = ${subject} and u.name = ${name}
    and (u.email_verified_at is not null) = ${emailVerified}`,
  serviceUser: ({ name }, tokenHash) => sql` and p.secret_hash = ${tokenHash}
    and p.service_user_id = m.id and m.name = ${name}`,
};

export function standingOf({ id, surface }: Principal, row: StandingRow): Standing {
  const { accountId, membershipId, serviceUserId, facts } = row;
  const place = { accountId, principalId: id, membershipId, serviceUserId };
  return { ...place, roles: rolesOf(row), surface, facts, machine: null };
}
