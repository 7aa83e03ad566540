import DataLoader from "dataloader";
import type { Database } from "../database/database";
import { type Filter, firstRows } from "../database/firstRows";
import { join, raw, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import type { Subject } from "../policies/ability";

/** Part of a list, as a connection shows it. */
export interface Page<E> {
  nodes: E[];
  hasPreviousPage: boolean;
  hasNextPage: boolean;
}

export interface PageRequest<E> {
  entity: Class<E & object>;
  /** The property that points at the parent. */
  by: keyof E & string;
  size: number;
  /** From the end of the list. */
  backward: boolean;
  after: string | null;
  before: string | null;
  newestFirst: boolean;
  /** Narrows further; never instead of the rules. */
  filter: Filter;
}

/** Says which rows the caller may read, as a condition on the alias `row`. */
interface Reader {
  readable<E extends object>(entity: Class<E>): Sql;
}

interface Parent {
  access: Reader;
  id: string;
}

/**
 * The batches behind nested fields, made afresh for each request and after each write. However
 * many parents ask, and in however many accounts, a batch is one statement.
 */
export class Loaders {
  private readonly pages = new Map<string, DataLoader<Parent, Page<object>, string>>();
  private readonly rows = new Map<string, DataLoader<string, object | null>>();
  private readonly lists = new Map<string, DataLoader<string, object[]>>();

  constructor(private readonly db: Database) {}

  /** One page of a parent's rows, as far as the access may read them. */
  page<E extends Subject>(
    access: Reader,
    parentId: string,
    request: PageRequest<E>,
  ): Promise<Page<E>> {
    const { entity, ...asked } = request;
    const key = JSON.stringify([entity.name, asked]);
    let loader = this.pages.get(key);
    if (!loader) {
      loader = new DataLoader((parents) => this.readPages(request, parents), {
        cacheKeyFn: (parent) => parent.id,
      });
      this.pages.set(key, loader);
    }
    return loader.load({ access, id: parentId }) as Promise<Page<E>>;
  }

  /**
   * A row by its id, for every caller: for following a reference from a row they were shown. Not
   * narrowed by rules, so only for what seeing the referrer entitles to.
   */
  row<E extends { id: string }>(entity: Class<E>, id: string): Promise<E | null> {
    return this.rowsOf(entity, ["id"]).load(id) as Promise<E | null>;
  }

  /** The same for what belongs to an account. */
  rowIn<E extends { id: string }>(
    entity: Class<E>,
    { accountId }: { accountId: string },
    id: string,
  ): Promise<E | null> {
    return this.rowsOf(entity, ["accountId", "id"]).load(`${accountId} ${id}`) as Promise<E | null>;
  }

  /** A row that was read already. */
  remember<E extends { id: string }>(entity: Class<E>, row: E): void {
    this.rowsOf(entity, ["id"]).prime(row.id, row);
  }

  /** All rows that point at a parent of the account by `by`, in order; a caller who sees the parent sees them. */
  all<E extends object>(
    entity: Class<E>,
    { by, order }: { by: string; order: string },
    accountId: string,
    parentId: string,
  ): Promise<E[]> {
    const list = [entity.name, by, order].join(" ");
    let loader = this.lists.get(list);
    if (!loader) {
      const table = this.db.table(entity);
      loader = new DataLoader(async (keys: readonly string[]) => {
        const [accounts, ids] = [0, 1].map((part) => keys.map((key) => key.split(" ")[part]));
        const found = table.instances(
          await this.db.query(sql`select ${table.columns} from ${table.name} row
            where (row.account_id, row.${raw(table.column(by))}) in
              (select * from unnest(${accounts}::text[], ${ids}::text[]))
            order by row.${raw(table.column(order))}`),
        );
        const keyOf = (row: object) =>
          `${Reflect.get(row, "accountId") as string} ${Reflect.get(row, by) as string}`;
        return keys.map((key) => found.filter((row) => keyOf(row) === key));
      });
      this.lists.set(list, loader);
    }
    return loader.load(`${accountId} ${parentId}`) as Promise<E[]>;
  }

  private rowsOf(entity: Class<{ id: string } & object>, by: string[]) {
    const name = [entity.name, ...by].join(" ");
    let loader = this.rows.get(name);
    if (!loader) {
      const table = this.db.table(entity);
      const key = raw(by.map((property) => `row.${table.column(property)}`).join(", "));
      loader = new DataLoader(async (keys: readonly string[]) => {
        const parts = keys.map((one) => one.split(" "));
        const wanted = parts[0]!.map((_, i) => sql`${parts.map((part) => part[i])}::text[]`);
        const found = table.instances(
          await this.db.query(
            sql`select ${table.withVirtual} from ${table.name} row
            where (${key}) in (select * from unnest(${join(wanted, ", ")}))`,
          ),
        );
        const rows = new Map(
          found.map((row) => [
            by.map((property) => Reflect.get(row, property) as string).join(" "),
            row,
          ]),
        );
        return keys.map((key) => rows.get(key) ?? null);
      });
      this.rows.set(name, loader);
    }
    return loader;
  }

  private async readPages<E extends Subject>(
    request: PageRequest<E>,
    parents: readonly Parent[],
  ): Promise<Page<E>[]> {
    const { size, backward, after, before } = request;
    const byAccess = new Map<Reader, string[]>();
    for (const { access, id } of parents) {
      const ids = byAccess.get(access);
      if (ids) ids.push(id);
      else byAccess.set(access, [id]);
    }
    const parts = [...byAccess].map(([access, ids]) => this.pagesFor(request, access, ids));
    const found = await this.db.read<E & { id: string }>(
      parts.length === 1
        ? parts[0]!
        : join(
            parts.map((part) => sql`(${part})`),
            " union all ",
          ),
    );
    this.db.table(request.entity).instances(found);
    const children = new Map<unknown, (E & { id: string })[]>(parents.map(({ id }) => [id, []]));
    for (const row of found) children.get(row[request.by])!.push(row);
    return parents.map(({ id }) => {
      const rows = children.get(id)!;
      // PostgreSQL promises no order across the parts of a union.
      if (parts.length > 1) rows.sort((a, b) => (a.id < b.id !== request.newestFirst ? -1 : 1));
      const areMore = rows.length > size;
      return {
        nodes: backward ? rows.slice(-size) : rows.slice(0, size),
        // The row of a cursor is beyond the page.
        hasPreviousPage: backward ? areMore : after !== null,
        hasNextPage: backward ? before !== null : areMore,
      };
    });
  }

  /** For each parent the rows of the page, and one more to know whether there are more. */
  private pagesFor<E extends Subject>(request: PageRequest<E>, access: Reader, ids: string[]): Sql {
    const { entity, by, size, backward, after, before, newestFirst, filter } = request;
    const table = this.db.table(entity);
    const cursor = (id: string | null) => (id === null ? null : sql`${id}::text`);
    const conditions = [sql`row.${raw(table.column(by))} = parent.id`, access.readable(entity)];
    const order = raw(newestFirst ? "row.id desc" : "row.id");
    const rows = firstRows(
      {
        ...{ columns: table.columns, table: table.name, account: raw("parent.id") },
        ...{ after: cursor(after), before: cursor(before), descending: newestFirst, backward },
      },
      conditions,
      filter,
      sql`${size + 1}::int`,
    );
    return sql`
      select row.* from unnest(${ids}::text[]) parent(id) cross join lateral (${rows}) row
      order by ${order}`;
  }
}
