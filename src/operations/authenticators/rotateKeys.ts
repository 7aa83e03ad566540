import type { Context } from "../../context/context";
import type { Queryable } from "../../database/database";
import { sql } from "../../database/sql";
import { Authenticator } from "../../entities/Authenticator";
import type { Keyring, Sealed } from "../../identity/encryption";
import { secretPlace } from "../steps/openTotpSecret";

const BATCH = 100;

/** How many secrets are under a key, and what the configuration has to open them with. */
export interface KeyInUse {
  keyId: string;
  count: number;
  /** Whether it opens one of them; "missing": no key has that name, "wrong": another one has. */
  state: "opens" | "missing" | "wrong";
}

/**
 * Encrypts again every authenticator's secret that is not under the current key (T7). Each batch
 * commits, and holds its rows meanwhile: servers may run, and what they change in the meantime stays.
 * May be run again, and by several at once.
 *
 * @returns How many were done, and what is left under other keys since nothing here opens it, or
 * since a server that has the old configuration still encrypts.
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
    // Only now that the rows are held: before, this could be what was there before a change.
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

/** Which keys secrets are under, by name. */
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
    return null; // counted by `keysInUse`, once all others are done
  }
}
