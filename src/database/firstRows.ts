import { all, join, raw, type Sql, sql, TRUE } from "./sql";

/** Which rows are asked for, as conditions on the alias `row`. */
export interface Filter {
  where: Sql;
  /**
   * The same rows, taken apart into ranges of an index that ends in the id. Each range gives its
   * first rows in order of their ids, and the first of all are among them. So a page of what is rare
   * costs as little as one of what is common.
   */
  ranges?: Ranges;
  /** Conditions that must all hold besides, each of which an index finds in order, but no two together. */
  each?: readonly Way[];
  /** A condition besides that no index finds in order, for text within names. */
  search?: Search;
}

export interface Ranges {
  /** One row for each range, under the alias `range`. */
  from: Sql;
  /** What the columns of `row` equal in a range, as the index has them. */
  by: Sql;
}

export interface Way {
  /** The condition, asked of one row. */
  where: Sql;
  /** The same as ranges of an index, where it is not one range already. */
  ranges?: Ranges;
}

export interface Search {
  /** Asked of one row after another. */
  where: Sql;
  /** The same by an index that gives rows of the account `scope.account_id` in no order, if there is one. */
  indexed?: Ranges;
}

/** How many rows are looked through one after another before an index in no order is asked. */
const BEFORE_INDEX = 1_000;
/** How many rows are looked through where no index helps. */
export const BEFORE_REFUSAL = 5_000;
/** SQLSTATE of what `refuse_to_look_further()` raises. */
export const LOOKED_ENOUGH = "GH001";

export const EVERYTHING: Filter = { where: TRUE };

/** The same filter with each of its pieces of SQL replaced. */
export function mapped(
  filter: Filter,
  change: (piece: Sql, of: (other: Filter) => Sql) => Sql,
): Filter {
  const { where, ranges, each, search } = filter;
  const from = (given: Ranges, of: (other: Filter) => Ranges): Ranges => ({
    ...given,
    from: change(given.from, (other) => of(other).from),
  });
  return {
    where: change(where, (of) => of.where),
    ...(ranges && { ranges: from(ranges, (of) => of.ranges!) }),
    ...(each && {
      each: each.map((way, i) => ({
        where: change(way.where, (of) => of.each![i]!.where),
        ...(way.ranges && { ranges: from(way.ranges, (of) => of.each![i]!.ranges!) }),
      })),
    }),
    ...(search && {
      search: {
        where: change(search.where, (of) => of.search!.where),
        ...(search.indexed && {
          indexed: from(search.indexed, (of) => of.search!.indexed!),
        }),
      },
    }),
  };
}

/** The same rows for a caller who waits until all have been looked through, as an export does. */
export function unhurried({ each = [], ...filter }: Filter): Filter {
  return { ...filter, where: all([filter.where, ...each.map(({ where }) => where)]) };
}

interface Shape {
  columns: Sql;
  table: Sql;
  order: Sql;
  /** The account whose rows they are; only a search asks for it. */
  account?: Sql;
}

/** The first rows that meet all conditions, in order of their ids. */
export function firstRows(
  shape: Shape,
  conditions: readonly Sql[],
  { where, ranges, each, search }: Filter,
  limit: Sql,
): Sql {
  const asked = [...conditions, where];
  if (each) {
    // One of them is rare as a rule.
    const tries = each.map(({ where, ranges }, i) => ({
      ...{ conditions: ranges ? asked : [...asked, where], ranges, most: BEFORE_REFUSAL },
      besides: all(each.filter((_, other) => other !== i).map((other) => other.where)),
    }));
    return lookedThrough(shape, tries, null, limit);
  }
  if (search) {
    // What many rows have is soon found by looking through them in order; what few have, by the index.
    const only = { conditions: asked, ranges, besides: search.where, most: BEFORE_INDEX };
    const indexed = search.indexed && byIndex(shape, asked, ranges, search.indexed);
    return lookedThrough(shape, [only], indexed ?? null, limit);
  }
  return inOrder(shape, asked, ranges, limit);
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

interface Try {
  conditions: readonly Sql[];
  ranges: Ranges | undefined;
  /** What the rows meet besides. */
  besides: Sql;
  /** How many rows are looked through. */
  most: number;
}

/**
 * Looks through the first rows of one try for a page of those that are asked for, and of the next
 * try where that finds no page and leaves rows that were not looked at. What finds no page by any
 * try is found by an index in the end, or refused: all of the account would have to be read.
 */
function lookedThrough(shape: Shape, tries: readonly Try[], indexed: Sql | null, limit: Sql): Sql {
  const { columns, order } = shape;
  const parts = tries.map(({ conditions, ranges, besides, most }, i) => {
    // A parameter: for a number, the planner would read and sort all of an account that it takes for smaller.
    const limit = sql`${most}::int`;
    return {
      ...{ besides, most: limit, number: raw(String(i)) },
      ...{ first: raw(`first${i}`), found: raw(`found${i}`) },
      rows: inOrder({ ...shape, columns: raw("row.*") }, conditions, ranges, limit),
    };
  });
  const list = (one: (part: (typeof parts)[number]) => Sql, between: string) =>
    join(parts.map(one), between);
  const last = raw(String(tries.length));
  // Each is read as far as `chosen` asks for it, and in its own order: an `order by` in `found` would
  // have all of `first` read.
  return sql`with
      ${list(
        ({ first, found, rows, besides }) => sql`${first} as materialized (${rows}),
          ${found} as materialized (select ${columns} from ${first} row where ${besides} limit ${limit})`,
        ", ",
      )},
      chosen as materialized (select case
        ${list(
          ({ first, found, number, most }) => sql`when (select count(*) from ${found}) >= ${limit}
            or (select count(*) from ${first}) < ${most} then ${number}`,
          " ",
        )}
        else ${indexed ? last : raw("refuse_to_look_further()")} end as number)
    select row.* from (
      ${list(
        ({ found, number }) =>
          sql`select ${found}.* from ${found} where (select number from chosen) = ${number}`,
        " union all ",
      )}
      ${indexed ? sql`union all (${indexed} where (select number from chosen) = ${last})` : raw("")}
    ) row order by ${order} limit ${limit}`;
}

/** Rows that an index gives in no order, without a `where`. */
function byIndex(
  { columns, table, account }: Shape,
  conditions: readonly Sql[],
  ranges: Ranges | undefined,
  { from, by }: Ranges,
): Sql {
  if (!account) throw new Error("A search takes the account that it is in.");
  const within = ranges ? sql`exists (select from ${ranges.from} where ${ranges.by})` : TRUE;
  // `offset 0`: the planner takes all accounts for average ones, and would read the account.
  return sql`select row.* from (select ${account} as account_id offset 0) scope
    cross join lateral ${from}
    cross join lateral (
      select ${columns} from ${table} row
      where ${all([...conditions, within, by])} offset 0
    ) row`;
}
