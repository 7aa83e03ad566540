import type { Queryable } from "../database/database";
import { sql } from "../database/sql";
import { Unauthenticated } from "../errors";
import { IDLE_MS } from "../identity/sessions";
import type { Principal } from "../principal";

/**
 * Takes the row of the principal's user until commit, then their session, as long as it is open and
 * was not proven anew under another token: what a session has begun does not outlive it.
 *
 * The user comes first, as for everyone who ends sessions. Two sessions that end each other would
 * otherwise each hold their own and wait for the other's. It is one statement for the reason that
 * `holdStanding` gives.
 *
 * @throws Unauthenticated when the session has ended, expired or was idle for too long.
 */
export async function holdSession(
  tx: Queryable,
  { id, sessionId, authenticatedAt }: Principal,
): Promise<void> {
  const idleSince = new Date(Date.now() - IDLE_MS);
  const open = await tx.query(sql`
    select from users u join sessions s on s.user_id = u.id
    where u.id = ${id} and s.id = ${sessionId} and s.authenticated_at = ${authenticatedAt}
      and s.ended_at is null and s.expires_at > now() and s.last_used_at > ${idleSince}
    for no key update of u for share of s`);
  if (!open.length) throw new Unauthenticated("This session has ended. Sign in again.");
}
