import type { DataSource, EntityMetadata } from "typeorm";
import { all, join, raw, type Sql, sql } from "./sql";

export type Class<E extends object> = new () => E;

/** What is known of a column: how SQL names it, and what it holds. */
export interface ColumnInfo {
  type: string;
  nullable: boolean;
  array: boolean;
  at: (alias: string) => Sql;
}

/** A row's property as SQL, and whether it holds several values. */
export type ColumnOf = (property: string) => { name: Sql; array: boolean };

/**
 * What hot paths need to know of an entity: its table and columns as SQL, worked out once.
 *
 * Rows are read by prepared statement and given the entity's prototype. TypeORM's own
 * hydration costs more than everything else in a request together (docs/performance.md).
 */
export class Table<E extends object> {
  readonly name: Sql;
  /** Every column that may be read, as `row.x as "x"`. */
  readonly columns: Sql;
  /** The same and the virtual columns, which cost a look-up for each row. */
  readonly withVirtual: Sql;
  readonly keys: readonly string[];
  /** Columns that no query selects. */
  readonly secrets: readonly string[];
  private readonly names: ReadonlyMap<string, string>;
  private readonly infos: ReadonlyMap<string, ColumnInfo>;
  private readonly json: ReadonlySet<string>;

  constructor(
    readonly entity: Class<E>,
    metadata: EntityMetadata,
  ) {
    this.name = raw(metadata.tableName);
    this.names = new Map(
      metadata.columns
        .filter((column) => !column.isVirtualProperty)
        .map((column) => [column.propertyName, column.databaseName]),
    );
    this.json = new Set(
      metadata.columns.filter((column) => column.type === "jsonb").map((c) => c.propertyName),
    );
    const shown = metadata.columns.filter((column) => column.isSelect && !column.isVirtualProperty);
    this.keys = shown.map((column) => column.propertyName);
    this.secrets = metadata.columns.filter((c) => !c.isSelect).map((c) => c.propertyName);
    const plain = shown.map((column) =>
      raw(`row.${column.databaseName} as "${column.propertyName}"`),
    );
    const virtual = metadata.columns
      .filter((column) => column.isVirtualProperty)
      .map((column) => raw(`${column.query!("row")} as "${column.propertyName}"`));
    this.infos = new Map(
      metadata.columns
        .filter((column) => column.isSelect || column.isVirtualProperty)
        .map((column) => [
          column.propertyName,
          {
            type: column.type as string,
            nullable: column.isNullable,
            array: column.isArray || column.type === "simple-array",
            at: (alias: string) =>
              raw(
                column.isVirtualProperty ? column.query!(alias) : `${alias}.${column.databaseName}`,
              ),
          },
        ]),
    );
    this.columns = join(plain, ", ");
    this.withVirtual = join([...plain, ...virtual], ", ");
  }

  /** The name in the database of a property. */
  column(property: string): string {
    const name = this.names.get(property);
    if (!name) throw new Error(`${this.entity.name}.${property} is no column`);
    return name;
  }

  /** What may be read of a row and how; none for what is no column, or a secret. */
  info(property: string): ColumnInfo | undefined {
    return this.infos.get(property);
  }

  /** The columns of the row that this alias stands for. */
  at(alias: string): ColumnOf {
    return (property) => {
      const info = this.infos.get(property);
      if (!info) throw new Error(`${this.entity.name}.${property} is no column that may be read`);
      return { name: info.at(alias), array: info.array };
    };
  }

  /** New rows with every column that they have a value for, secrets included. */
  insertion(rows: readonly E[]): Sql {
    const [first] = rows;
    const properties = [...this.names.keys()].filter((property) => property in first!);
    const columns = raw(properties.map((property) => this.column(property)).join(", "));
    if (rows.length > 1) {
      // One parameter, however many rows: PostgreSQL takes 65,535 at most.
      const records = rows.map((row) =>
        Object.fromEntries(properties.map((p) => [this.column(p), Reflect.get(row, p)])),
      );
      return sql`insert into ${this.name} (${columns}) select ${columns}
        from jsonb_populate_recordset(null::${this.name}, ${JSON.stringify(records)}::jsonb)`;
    }
    const values = properties.map((property) => this.value(first!, property));
    return sql`insert into ${this.name} (${columns}) values (${join(values, ", ")})`;
  }

  /** The given properties of a row that is there already, found by its `keys`. */
  change(row: E, keys: readonly string[], properties: readonly string[]): Sql {
    const set = (property: string) =>
      sql`${raw(this.column(property))} = ${this.value(row, property)}`;
    const where = all(keys.map(set));
    return sql`update ${this.name} set ${join(properties.map(set), ", ")} where ${where}`;
  }

  private value(row: E, property: string): Sql {
    const value: unknown = Reflect.get(row, property);
    return sql`${this.json.has(property) ? JSON.stringify(value) : value}`;
  }

  /** Rows as they came, now instances of the entity. */
  instances(rows: object[]): E[] {
    for (const row of rows) Object.setPrototypeOf(row, this.entity.prototype as object);
    return rows as E[];
  }
}

/** The tables of a data source, each looked up once. */
export function tablesOf(dataSource: DataSource): <E extends object>(entity: Class<E>) => Table<E> {
  const tables = new Map<unknown, Table<object>>(
    dataSource.entityMetadatas.map((metadata) => [
      metadata.target,
      new Table(metadata.target as Class<object>, metadata),
    ]),
  );
  return <E extends object>(entity: Class<E>) => {
    const table = tables.get(entity);
    if (!table) throw new Error(`${entity.name} is no entity`);
    return table as unknown as Table<E>;
  };
}
