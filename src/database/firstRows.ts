import { all, raw, type Sql, sql, TRUE } from "./sql";

/** Which rows are asked for, as conditions on the alias `row`. */
export interface Filter {
  where: Sql;
  /**
   * The same rows, taken apart into ranges of an index that ends in the id. Each range gives its
   * first rows in order of their ids, and the first of all are among them. So a page of what is rare
   * costs as little as one of what is common.
   */
  ranges?: Ranges;
  /** A condition that no index of the list answers in order, for text within names. */
  search?: Search;
}

export interface Ranges {
  /** One row for each range, under the alias `range`. */
  from: Sql;
  /** What the columns of `row` equal in a range, as the index has them. */
  by: Sql;
}

export interface Search {
  /** Asked of one row after another. */
  where: Sql;
  /** The same by an index of what is searched, which gives the rows in no order. */
  indexed: Ranges;
}

/** How many rows are looked through one after another before the index is asked. */
const LOOKED_THROUGH = 1_000;

export const EVERYTHING: Filter = { where: TRUE };

interface Shape {
  columns: Sql;
  table: Sql;
  order: Sql;
}

/** The first rows that meet all conditions, in order of their ids. */
export function firstRows(
  shape: Shape,
  conditions: readonly Sql[],
  { where, ranges, search }: Filter,
  limit: Sql,
): Sql {
  const asked = [...conditions, where];
  return search
    ? found(shape, asked, { ranges, search }, limit)
    : inOrder(shape, asked, ranges, limit);
}

function inOrder(
  { columns, table, order }: Shape,
  conditions: readonly Sql[],
  ranges: Ranges | undefined,
  limit: Sql,
): Sql {
  const rows = (more: Sql) => sql`select ${columns} from ${table} row
    where ${all([...conditions, more])} order by ${order} limit ${limit}`;
  if (!ranges) return rows(TRUE);
  return sql`select row.* from ${ranges.from} cross join lateral (${rows(ranges.by)}) row
    order by ${order} limit ${limit}`;
}

/**
 * Text that many rows have is soon found by looking through them in order; text that few rows have,
 * by the index. Which of the two it is turns out on looking through the first rows. A small account
 * has no others, so the index, which spans all accounts, is never asked for it.
 */
function found(
  shape: Shape,
  conditions: readonly Sql[],
  { ranges, search }: { ranges: Ranges | undefined; search: Search },
  limit: Sql,
): Sql {
  const { columns, table, order } = shape;
  const first = (count: number) =>
    inOrder({ ...shape, columns: raw("row.*") }, conditions, ranges, raw(String(count)));
  const within = ranges ? sql`exists (select from ${ranges.from} where ${ranges.by})` : TRUE;
  return sql`with near as materialized (
      select ${columns} from (${first(LOOKED_THROUGH)}) row
      where ${search.where} order by ${order} limit ${limit}),
    more as materialized (
      select (select count(*) from near) < ${limit}
        and exists (select from (${first(LOOKED_THROUGH + 1)}) row offset ${raw(String(LOOKED_THROUGH))})
        as needed)
    select row.* from (
      select near.* from near where not (select needed from more)
      union all
      -- \`offset 0\`: the planner takes all accounts for average ones, and would read the account.
      select row.* from ${search.indexed.from} cross join lateral (
        select ${columns} from ${table} row
        where ${all([...conditions, within, search.indexed.by])} offset 0
      ) row where (select needed from more)
    ) row order by ${order} limit ${limit}`;
}
