import type { Context } from "../../context/context";
import type { Queryable } from "../../database/database";
import { sql } from "../../database/sql";
import { Authenticator } from "../../entities/Authenticator";
import type { Keyring, Sealed } from "../../identity/encryption";
import { secretPlace } from "../steps/openTotpSecret";

const BATCH = 100;

/** How many secrets a key has encrypted, and whether the configured keys decrypt them. */
export interface KeyInUse {
  keyId: string;
  count: number;
  /** "missing": no configured key has this name; "wrong": a different key has it. */
  state: "opens" | "missing" | "wrong";
}

/**
 * Encrypts every authenticator's secret with the current key, where another key has encrypted it (T7).
 * Each batch locks its rows and commits, so servers may run in the meantime, and their changes stay. It may
 * run again, and several times at once.
 *
 * @returns How many secrets it has encrypted, and which are left under other keys: either no configured key
 * decrypts them, or a server with the old configuration is still running.
 */
export async function rotateKeys(ctx: Context): Promise<{ done: number; left: KeyInUse[] }> {
  const { db, services } = ctx;
  const { currentId } = services.keyring;
  let done = 0;
  for (let after = ""; ;) {
    const page = await db.query<{ id: string }>(sql`
      select id from authenticators
      where removed_at is null and key_id <> ${currentId} and id > ${after}
      order by id limit ${BATCH}`);
    const last = page.at(-1);
    if (!last) break;
    after = last.id;
    const ids = page.map(({ id }) => id);
    done += await reencrypt(ctx, ids);
  }
  const inUse = await keysInUse(db, services.keyring);
  return { done, left: inUse.filter(({ keyId }) => keyId !== currentId) };
}

async function reencrypt(ctx: Context, ids: string[]): Promise<number> {
  const { keyring } = ctx.services;
  return ctx.self.transaction(async (tx) => {
    const rows = await tx.rows(
      Authenticator,
      sql`row.id = any(${ids}) and row.removed_at is null and row.key_id <> ${keyring.currentId}`,
    );
    // Read after the rows are locked: a server may have changed a secret just before that.
    const kept = await tx.query<{ id: string; sealed: Buffer }>(sql`
      select id, sealed_secret as sealed from authenticators where id = any(${rows.map(({ id }) => id)})`);
    const sealed = new Map(kept.map((row) => [row.id, row.sealed]));
    const changed: Authenticator[] = [];
    for (const row of rows) {
      const secret = opened(keyring, row.id, { keyId: row.keyId, sealed: sealed.get(row.id)! });
      if (!secret) continue;
      tx.authorize("update", row);
      const again = keyring.seal(secret, secretPlace(row));
      row.keyId = again.keyId;
      row.sealedSecret = again.sealed;
      await tx.save(row);
      changed.push(row);
    }
    await tx.record("authenticator_reencrypted.v1", ...changed);
    return changed.length;
  });
}

/** The keys that have encrypted secrets, by name. */
export async function keysInUse(db: Queryable, keyring: Keyring): Promise<KeyInUse[]> {
  const rows = await db.query<{ keyId: string; count: number; id: string; sealed: Buffer }>(sql`
    select distinct on (key_id) key_id as "keyId", id, sealed_secret as sealed,
      (count(*) over (partition by key_id))::int as count
    from authenticators where removed_at is null order by key_id, id`);
  return rows.map(({ keyId, count, id, sealed }) => {
    const opens = opened(keyring, id, { keyId, sealed }) !== null;
    return { keyId, count, state: opens ? "opens" : keyring.has(keyId) ? "wrong" : "missing" };
  });
}

function opened(keyring: Keyring, id: string, secret: Sealed): Buffer | null {
  try {
    return keyring.open(secret, secretPlace({ id }));
  } catch {
    return null; // `keysInUse` counts it
  }
}
