import type { Queryable } from "../database/database";
import { sql } from "../database/sql";
import { NotFound, Unauthenticated } from "../errors";
import type { Principal } from "../principal";
import { sessionIsOpen } from "./proof";

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
  const open = await tx.query(sql`
    select from users u join sessions p on p.user_id = u.id
    where u.id = ${id} and p.id = ${sessionId} and p.authenticated_at = ${authenticatedAt}
      and ${sessionIsOpen("p")}
    for no key update of u for share of p`);
  if (!open.length) throw new Unauthenticated("This session has ended. Sign in again.");
}

/**
 * Takes the rows of the accounts that a user is in until commit, for what depends on how these are
 * set. Before the user's row, which comes second everywhere.
 */
export async function holdAccountsOf(tx: Queryable, { id }: Principal): Promise<void> {
  await tx.query(sql`
    select from accounts where deleted_at is null and id in (
      select account_id from memberships where user_id = ${id} and removed_at is null)
    order by id for share`);
}

/**
 * Takes the account's row until commit, for a machine of ours, which has no standing to read anew.
 *
 * @throws NotFound when the account is closed.
 */
export async function holdAccount(tx: Queryable, accountId: string): Promise<void> {
  const held = await tx.query(sql`
    select from accounts where id = ${accountId} and deleted_at is null for no key update`);
  if (!held.length) throw new NotFound(accountId);
}
