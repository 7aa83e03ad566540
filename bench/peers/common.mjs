import { createHash } from "node:crypto";
import { Pool } from "pg";

/** Ten connections, set as those of the servers that are measured beside. */
export const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 10,
  idleTimeoutMillis: 0,
  options:
    "-c jit=off -c plan_cache_mode=force_generic_plan -c enable_bitmapscan=off -c enable_indexonlyscan=off -c timezone=UTC",
});

/** Whoever a request's API key belongs to. */
export async function authenticate(request) {
  const key = request.headers.authorization.slice("Bearer ".length);
  const { rows } = await pool.query({
    name: "caller",
    text: `select c.account_id as "accountId"
      from credentials c
        join accounts a on a.id = c.account_id and a.deleted_at is null
        join memberships m on m.account_id = c.account_id and m.id = c.membership_id
          and m.removed_at is null and m.disabled_at is null
      where c.account_id = $1 and c.secret_hash = $2 and c.kind = 'API_KEY'
        and c.revoked_at is null and (c.expires_at is null or c.expires_at > now())`,
    values: [`ac_${key.slice(4, 30)}`, createHash("sha256").update(key).digest()],
  });
  if (!rows[0]) throw new Error("This API key is unknown, expired or revoked.");
  return rows[0];
}

/** Tells the process that forked this one where it listens, and ends with it. */
export function ready(port) {
  process.on("disconnect", () => process.exit(0));
  process.send({ port });
}
