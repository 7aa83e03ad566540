import type { Queryable } from "../database/database";
import { type Sql, sql } from "../database/sql";

/*
 * Deletes rows that no request can reach any more (docs/operating.md says after how long). Each statement
 * reads a bounded number of rows and commits by itself. Several servers may do this at the same time: each
 * skips the rows that another one has locked.
 */

const BATCH = 1000;

type Db = Pick<Queryable, "query">;

/** Deletes of rows by their age. */
const EXPIRED: Sql[] = [
  // Later than the last try of a mail's job: the job must find the row that says that its link is void.
  sql`delete from one_time_tokens where id in (
    select id from one_time_tokens where expires_at < now() - interval '7 days'
    order by expires_at limit ${BATCH}::int for update skip locked) returning id`,
  sql`delete from social_flows where secret_hash in (
    select secret_hash from social_flows where expires_at < now() - interval '1 day'
    order by expires_at limit ${BATCH}::int for update skip locked) returning provider`,
  // A count that was reset means the same as no row.
  sql`delete from throttles where key in (
    select key from throttles where resets_at < now() and free_at < now()
    order by resets_at limit ${BATCH}::int for update skip locked) returning key`,
  // After the minute in which refusals of one kind are only counted (E1), it means the same as no row.
  sql`delete from refusals where (stream_id, principal_id, what) in (
    select stream_id, principal_id, what from refusals
    where recorded_at < now() - interval '1 day'
    order by recorded_at limit ${BATCH}::int for update skip locked) returning what`,
];

/** Deletes all rows that can be deleted. Returns how many. */
export async function sweep(db: Db): Promise<number> {
  let deleted = 0;
  for (const statement of EXPIRED) {
    for (let batch = BATCH; batch === BATCH; deleted += batch) {
      batch = (await db.query(statement)).length;
    }
  }
  return deleted + (await sweepSessions(db));
}

/**
 * Deletes sessions that expired 90 days ago, with the record of which accounts they entered. The last
 * session of a user stays. Without it the next sign-in would look like the user's first one, and they would
 * get no mail about a new device.
 */
async function sweepSessions(db: Db): Promise<number> {
  let deleted = 0;
  let after = { expiresAt: new Date(0), id: "" };
  for (;;) {
    const [page] = await db.query<{ seen: number; deleted: number; expiresAt: Date; id: string }>(
      sql`
      with page as materialized (
        select s.id, s.user_id, s.expires_at from sessions s
        where (s.expires_at, s.id) > (${after.expiresAt}, ${after.id})
          and s.expires_at < now() - interval '90 days'
        order by s.expires_at, s.id limit ${BATCH}::int for update skip locked),
      gone as (
        delete from sessions s using page where s.id = page.id and exists (
          select from sessions newer where newer.user_id = page.user_id and newer.id > page.id)
        returning s.id)
      select (select count(*)::int from page) as seen, (select count(*)::int from gone) as deleted,
        expires_at as "expiresAt", id
      from page order by expires_at desc, id desc limit 1`,
    );
    if (!page) return deleted;
    deleted += page.deleted;
    if (page.seen < BATCH) return deleted;
    after = page;
  }
}
