import { openDataSource } from "../src/database/dataSource";
import { migrate } from "../src/database/migrate";
import { sqlAsOwner, url, useDatabase } from "./support/database";

beforeAll(useDatabase);

const tables = () =>
  sqlAsOwner<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p') order by 1`,
  ).then((rows) => rows.map(({ name }) => name));

it("describes the same tables as the entities: nothing is left to migrate", async () => {
  const source = await openDataSource({ url, as: "migrate" }).initialize();
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  await source.destroy();
  // CHECKs stand in the migrations alone; entities don't repeat them.
  const left = upQueries.map(({ query }) => query).filter((query) => !/_check\d*"$/.test(query));
  expect(left).toEqual([]);
});

it("lets columns be null exactly where the entities say so", async () => {
  const source = openDataSource({ url, as: "migrate" });
  await source.initialize();
  const said = source.entityMetadatas.flatMap(({ tableName, columns }) =>
    columns
      .filter((column) => !column.isVirtualProperty)
      .map(({ databaseName, isNullable }) => `${tableName}.${databaseName} ${isNullable}`),
  );
  await source.destroy();
  const held = await sqlAsOwner<{ said: string }>(
    `select table_name || '.' || column_name || ' ' || (is_nullable = 'YES')::text as said
      from information_schema.columns where table_schema = 'public'`,
  );
  const all = new Set(held.map((row) => row.said));
  expect(said.filter((line) => !all.has(line))).toEqual([]);
});

it("holds every moment to what JSON can tell, and every id to what needs no escaping", async () => {
  const unbounded = await sqlAsOwner(`
    select table_name, column_name from information_schema.columns c
    where table_schema = 'public' and data_type = 'timestamp with time zone'
      and not exists (select from pg_constraint k
        where k.conrelid = format('public.%I', table_name)::regclass
          and pg_get_constraintdef(k.oid) like '%is_moment(' || column_name || ')%')`);
  expect(unbounded).toEqual([]);
  const loose = await sqlAsOwner(`
    select table_name from information_schema.columns c
    where table_schema = 'public' and column_name = 'id' and table_name <> 'migrations'
      and not exists (select from pg_constraint k
        where k.conrelid = format('public.%I', table_name)::regclass
          and pg_get_constraintdef(k.oid) like '%is_id(id,%')`);
  expect(loose).toEqual([]);
});

it.each(["infinity", "-infinity", "0001-01-01 00:00:00Z BC", "10000-01-01 00:00:00Z"])(
  "takes no account made at %s",
  async (moment) => {
    const insert = sqlAsOwner(
      `insert into accounts (id, name, created_at) values ('ac_01jc0000000000000000000000', 'a', $1)`,
      [moment],
    );
    await expect(insert).rejects.toThrow("accounts_created_at_moment_check");
  },
);

it.each(["", "d", "de_AT", "de-", "de AT", '"', "de\n", `de${"-abcdefgh".repeat(4)}`])(
  "takes no user of the language %j, which is no tag",
  async (tag) => {
    const insert = sqlAsOwner(
      `insert into users (id, email, name, created_at, language)
        values ('usr_01jc0000000000000000000000', 'a@example.com', 'a', now(), $1)`,
      [tag],
    );
    await expect(insert).rejects.toThrow("users_language_check");
  },
);

it("keeps the events of each coming month in a partition of their own", async () => {
  const month = new Date().toISOString().slice(0, 7).replace("-", "_");
  expect(await tables()).toEqual(
    expect.arrayContaining([`events_${month}`, `user_events_${month}`]),
  );
});

it("runs again without changing anything, by several nodes at once", async () => {
  const before = await tables();
  await Promise.all([migrate(url), migrate(url), migrate(url)]);
  expect(await tables()).toEqual(before);
});

it("undoes every migration and does it again", async () => {
  const source = await openDataSource({ url, as: "migrate" }).initialize();
  const count = source.migrations.length;
  for (let i = 0; i < count; i++) await source.undoLastMigration();
  expect(await tables()).toEqual(["migrations"]);
  const functions = await sqlAsOwner(
    "select proname from pg_proc where pronamespace = 'public'::regnamespace",
  );
  expect(functions).toEqual([]);
  await source.destroy();

  await migrate(url);
  expect(await tables()).toContain("events_default");
});
