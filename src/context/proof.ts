import { raw, type Sql, sql } from "../database/sql";
import { IDLE_MS } from "../identity/sessions";

/**
 * When a session or an API key `p` proves who came with it. Authenticating, the statement that
 * holds a standing or a session, and the guard of compiled reads all ask this.
 */
export const credentialIsGood = raw(
  "p.revoked_at is null and (p.expires_at is null or p.expires_at > now())",
);

/** A session that was not used since then is over. */
export const sessionIdleSince = (): Date => new Date(Date.now() - IDLE_MS);

export const sessionIsGood = (idleSince: unknown): Sql =>
  sql`p.ended_at is null and p.expires_at > now() and p.last_used_at > ${idleSince}`;
