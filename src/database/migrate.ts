import type { DataSource } from "typeorm";
import { firstIdAt } from "../ids";
import { Logger, runMigrations } from "graphile-worker";
import { openDataSource, SERVING_ROLE } from "./dataSource";

const MONTHS_AHEAD = 12;

/**
 * Brings the database's schema up to date, and makes the event partitions of the coming year.
 * Safe to run by several nodes at once: one does the work while the others wait.
 */
export async function migrate(url: string): Promise<void> {
  const dataSource = await openDataSource({ url, as: "migrate", poolSize: 2 }).initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query("select pg_advisory_lock(hashtext('gatehouse migrations'))");
    await dataSource.runMigrations();
    await prepareJobs(dataSource, url);
    await partition(dataSource, new Date());
  } finally {
    await lock.query("select pg_advisory_unlock_all()").catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

/** The migrations that the database lacks. Changes nothing. */
export async function pendingMigrations(url: string): Promise<string[]> {
  const dataSource = await openDataSource({ url, as: "migrate", poolSize: 1 }).initialize();
  try {
    const all = dataSource.migrations.map(({ name, constructor }) => name ?? constructor.name);
    const [table] = await dataSource.query<{ exists: boolean }[]>(
      "select to_regclass('migrations') is not null as exists",
    );
    if (!table?.exists) return all;
    const done = await dataSource.query<{ name: string }[]>("select name from migrations");
    return all.filter((name) => !done.some((one) => one.name === name));
  } finally {
    await dataSource.destroy();
  }
}

/** The worker's own tables, for the role that serves. It turns row security on and has no policy. */
async function prepareJobs(dataSource: DataSource, url: string): Promise<void> {
  await runMigrations({ connectionString: url, logger: silent });
  await dataSource.query(`
    grant usage on schema graphile_worker to ${SERVING_ROLE};
    grant select, insert, update, delete on all tables in schema graphile_worker to ${SERVING_ROLE};
    grant usage on all sequences in schema graphile_worker to ${SERVING_ROLE};
    do $$ declare name regclass; begin
      for name in select oid from pg_class
        where relnamespace = 'graphile_worker'::regnamespace and relrowsecurity
      loop execute format('alter table %s disable row level security', name); end loop;
    end $$;`);
}

const silent = new Logger(() => () => undefined);

/** One partition a month. A month that began in the default partition stays there. */
async function partition(dataSource: DataSource, now: Date): Promise<void> {
  for (const table of ["events", "user_events"]) {
    for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
      const [from, until] = [ahead, ahead + 1].map(
        (months) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months)),
      ) as [Date, Date];
      const name = `${table}_${from.toISOString().slice(0, 7).replace("-", "_")}`;
      const bounds = [from, until].map((moment) => firstIdAt("Event", moment)) as [string, string];
      const [found] = await dataSource.query<[{ exists: boolean; begun: boolean }]>(
        `select to_regclass($1) is not null as exists,
           exists (select from ${table}_default where id >= $2 and id < $3) as begun`,
        [name, ...bounds],
      );
      if (found.exists || found.begun) continue;
      // A trigger on statements is not copied to partitions, as those on rows are.
      await dataSource.query(
        `create table ${name} partition of ${table} for values from ('${bounds[0]}') to ('${bounds[1]}');
         create trigger no_truncate before truncate on ${name}
           for each statement execute function refuse_rewriting()`,
      );
    }
  }
}
