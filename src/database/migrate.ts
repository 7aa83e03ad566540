import type { DataSource } from "typeorm";
import { Logger, runMigrations } from "graphile-worker";
import { Unavailable } from "../errors";
import { firstIdAt } from "../ids";
import { openDataSource, SERVING_ROLE } from "./dataSource";

const MONTHS_AHEAD = 12;

/**
 * Brings the database's schema up to date, and makes the event partitions of the coming year.
 * Safe to run by several nodes at once: one does the work while the others wait.
 */
export async function migrate(url: string): Promise<void> {
  const dataSource = await openDataSource({ url, as: "migrate", poolSize: 2 })
    .initialize()
    .catch((cause: unknown) => {
      throw new Unavailable(cause);
    });
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query("select pg_advisory_lock(hashtext('gatehouse migrations'))");
    const { pending, grants } = await pendingIn(dataSource);
    if (pending.length && grants.length) throw new MayNotMigrate(grants);
    await dataSource.runMigrations();
    await prepareJobs(dataSource, url);
    await partition(dataSource, new Date());
  } finally {
    await lock.query("select pg_advisory_unlock_all()").catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

interface Pending {
  pending: string[];
  /** SQL that a superuser has to run before this user can migrate. */
  grants: string[];
}

/** The migrations that the database lacks, and what keeps this user from running them. Changes nothing. */
export async function pendingMigrations(url: string): Promise<Pending> {
  const dataSource = await openDataSource({ url, as: "migrate", poolSize: 1 }).initialize();
  try {
    return await pendingIn(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function pendingIn(dataSource: DataSource): Promise<Pending> {
  const all = dataSource.migrations.map(({ name, constructor }) => name ?? constructor.name);
  const [table] = await dataSource.query<{ exists: boolean }[]>(
    "select to_regclass('migrations') is not null as exists",
  );
  const done = table?.exists
    ? await dataSource.query<{ name: string }[]>("select name from migrations")
    : [];
  const pending = all.filter((name) => !done.some((one) => one.name === name));
  return { pending, grants: pending.length ? await missingGrants(dataSource) : [] };
}

/** The user of the migration URL lacks rights. The message has the SQL that gives them. */
export class MayNotMigrate extends Error {
  constructor(grants: string[]) {
    super(
      `The database can't be migrated: its user lacks rights. ${grantsAdvice(grants)} ` +
        "Or set DATABASE_MIGRATION_URL to a user who has them.",
    );
  }
}

export function grantsAdvice(grants: string[]): string {
  return `As a superuser of PostgreSQL, connected to that database, run \`${grants.join(" ")}\`.`;
}

async function missingGrants(dataSource: DataSource): Promise<string[]> {
  const [found] = await dataSource.query<
    [
      {
        user: string;
        database: string;
        schema: string;
        roleExists: boolean;
        createsRole: boolean;
        takesRole: boolean;
        createsTables: boolean;
        createsSchema: boolean;
      },
    ]
  >(
    `select quote_ident(current_user) as "user", quote_ident(current_database()) as database,
       coalesce(quote_ident(current_schema()), 'public') as schema,
       role.oid is not null as "roleExists",
       me.rolsuper or me.rolcreaterole as "createsRole",
       -- From PostgreSQL 16 on, who may create roles may not grant those of others.
       coalesce(pg_has_role(role.oid, 'usage') or pg_has_role(role.oid, 'usage with admin option')
         or me.rolcreaterole and current_setting('server_version_num')::int < 160000,
         false) as "takesRole",
       coalesce(has_schema_privilege(current_schema(), 'create'), false) as "createsTables",
       to_regnamespace('graphile_worker') is not null
         or has_database_privilege(current_database(), 'create') as "createsSchema"
     from pg_roles me left join pg_roles role on role.rolname = $1 where me.rolname = current_user`,
    [SERVING_ROLE],
  );
  const { user, database, schema, roleExists, createsRole, takesRole } = found;
  const { createsTables, createsSchema } = found;
  return [
    ...(roleExists || createsRole ? [] : [`create role ${SERVING_ROLE} nologin;`]),
    ...((roleExists ? takesRole : createsRole) ? [] : [`grant ${SERVING_ROLE} to ${user};`]),
    ...(createsTables ? [] : [`grant create on schema ${schema} to ${user};`]),
    ...(createsSchema ? [] : [`grant create on database ${database} to ${user};`]),
  ];
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
