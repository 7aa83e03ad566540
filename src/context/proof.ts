import { raw, type Sql } from "../database/sql";
import { IDLE_MS } from "../identity/sessions";

/**
 * When a session or an API key `p` proves who came with it. Authenticating, the statement that
 * holds a standing or a session, and the guard of compiled reads all ask this.
 */
export const credentialIsGood = raw(
  "p.revoked_at is null and (p.expires_at is null or p.expires_at > now())",
);

const IDLE = `interval '${IDLE_MS / (60 * 60 * 1000)} hours'`;

/**
 * Whether the session of this alias is open. Proving who came with it, listing, counting and ending
 * sessions all ask this: what is listed is what opens something.
 */
export const sessionIsOpen = (alias: "p" | "row" | "s"): Sql =>
  raw(`${alias}.ended_at is null and ${alias}.expires_at > now()
    and ${alias}.last_used_at > now() - ${IDLE}`);
