import { all, join, raw, type Sql, sql, TRUE } from "./sql";

/** Which rows are asked for, as conditions on the alias `row`. */
export interface Filter {
  where: Sql;
  /** Ids between which the rows are. */
  above?: Sql;
  below?: Sql;
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
  /** What the index has between the account and the id: columns of `range`, and what they equal of `row`. */
  columns: Readonly<Record<string, string>>;
  /**
   * Whether the values of the columns make many ranges, most of which hold little. The planner believes it
   * where it is asked twice for the same: else it takes what few values there are for common, walks the
   * account in order and throws rows away.
   */
  areMany?: true;
}

export interface Way {
  /** The condition, asked of one row. */
  where: Sql;
  /** The same as ranges of an index… */
  ranges: Ranges;
  /** …and what holds besides, where they have more. */
  besides?: Sql;
}

/** Whether a row is in one of the ranges. */
export const isWithin = ({ from, columns }: Ranges): Sql =>
  sql`exists (select from ${from} where ${all(
    Object.entries(columns).map(([name, expression]) => raw(`${expression} = range.${name}`)),
  )})`;

export interface Search {
  /** Asked of one row after another. */
  where: Sql;
  /** Ids, as `range.id`, that an index has of the account `scope.account_id` in no order, if there is one. */
  indexed?: Sql;
}

/** How many rows are looked through one after another before an index in no order is asked. */
const BEFORE_INDEX = 250;
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
  const { where, above, below, ranges, each, search } = filter;
  const from = (given: Ranges, of: (other: Filter) => Ranges): Ranges => ({
    ...given,
    from: change(given.from, (other) => of(other).from),
  });
  return {
    where: change(where, (of) => of.where),
    ...(above && { above: change(above, (of) => of.above!) }),
    ...(below && { below: change(below, (of) => of.below!) }),
    ...(ranges && { ranges: from(ranges, (of) => of.ranges!) }),
    ...(each && {
      each: each.map((way, i) => ({
        where: change(way.where, (of) => of.each![i]!.where),
        ranges: from(way.ranges, (of) => of.each![i]!.ranges),
        ...(way.besides && { besides: change(way.besides, (of) => of.each![i]!.besides!) }),
      })),
    }),
    ...(search && {
      search: {
        where: change(search.where, (of) => of.search!.where),
        ...(search.indexed && { indexed: change(search.indexed, (of) => of.search!.indexed!) }),
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
  /** By id, the least first or the greatest. */
  descending: boolean;
  /** The ids between which the rows are, in this order. */
  after?: Sql | null;
  before?: Sql | null;
  /** The last rows instead, the very last of them first: the first of the list turned round. */
  backward?: boolean;
  /** The account whose rows they are; only a search asks for it. */
  account?: Sql;
}

/** The first rows that meet all conditions, in order of their ids. */
export function firstRows(
  given: Shape,
  conditions: readonly Sql[],
  { where, above, below, ranges, each, search }: Filter,
  limit: Sql,
): Sql {
  const asked = [...conditions, where];
  const { after, before, descending, backward = false } = given;
  const shape: Ordered = {
    ...given,
    descending: descending !== backward,
    above: [above, descending ? before : after].filter((one) => one != null),
    below: [below, descending ? after : before].filter((one) => one != null),
  };
  if (each) {
    // One of them is rare as a rule.
    const tries = each.map(({ ranges, besides = TRUE }, i) => ({
      ...{ conditions: [...asked, besides], ranges, most: BEFORE_REFUSAL },
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
  { columns, table, descending, above, below }: Ordered,
  conditions: readonly Sql[],
  ranges: Ranges | undefined,
  limit: Sql,
): Sql {
  const order = raw(descending ? "row.id desc" : "row.id");
  const rows = (more: readonly Sql[]) => sql`select ${columns} from ${table} row
    where ${all([...conditions, ...between({ above, below }), ...more])} order by ${order} limit ${limit}`;
  if (!ranges) return rows([]);
  const within = Object.entries(ranges.columns).flatMap(([name, of]) => [
    raw(`${of} = range.${name}`),
    ...(ranges.areMany ? [raw(`${of} between range.${name} and range.${name}`)] : []),
  ]);
  return sql`select row.* from ${ranges.from} cross join lateral (${rows(within)}) row
    order by ${order} limit ${limit}`;
}

interface Ordered extends Shape {
  /** Ids that all rows are above, and below. */
  above: Sql[];
  below: Sql[];
}

const between = ({ above, below }: Pick<Ordered, "above" | "below">): Sql[] => [
  ...above.map((id) => sql`row.id > ${id}`),
  ...below.map((id) => sql`row.id < ${id}`),
];

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
function lookedThrough(
  shape: Ordered,
  tries: readonly Try[],
  indexed: Sql | null,
  limit: Sql,
): Sql {
  const { columns, descending } = shape;
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
    ) row order by ${raw(descending ? "row.id desc" : "row.id")} limit ${limit}`;
}

/** Rows that an index gives in no order, without a `where`. */
function byIndex(
  { columns, table, account, above, below }: Ordered,
  conditions: readonly Sql[],
  ranges: Ranges | undefined,
  ids: Sql,
): Sql {
  if (!account) throw new Error("A search takes the account that it is in.");
  // `offset 0`: the planner takes all accounts for average ones, and would read the account.
  return sql`select row.* from (select ${account} as account_id offset 0) scope
    cross join lateral ${ids}
    cross join lateral (
      select ${columns} from ${table} row
      where ${all([
        ...conditions,
        ...between({ above, below }),
        ranges ? isWithin(ranges) : TRUE,
        raw("row.id = range.id"),
      ])} offset 0
    ) row`;
}
