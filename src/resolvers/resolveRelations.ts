import type { Context } from "../context/context";
import { EVERYTHING } from "../database/firstRows";
import { all, TRUE } from "../database/sql";
import { DEFAULT_PAGE } from "../reads/filters";
import type { Action, Subject } from "../policies/ability";
import {
  assertPage,
  type Listed,
  type One,
  type Paged,
  type PageRange,
  type Permission,
} from "../reads/relationKinds";
import { type Connection, connection, Order } from "./pagination";

/**
 * Resolves what `reads/relations.ts` declares row by row: for the answers of mutations, and for queries
 * that don't compile. The compiler does the same in SQL.
 */
type Row = Record<string, unknown>;
type On = One<object>["on"];

/** A property of the parent, or of the caller. */
function valueOf(ctx: Context, to: On[string], parent: object): string | null {
  return (typeof to === "string" ? (parent as Row)[to] : ctx.principal[to.property]) as never;
}

/** The ID of the account that a row belongs to, or of the row if it is an account. */
function accountOf(parent: object): string {
  const { accountId, id } = parent as { accountId?: string; id: string };
  return accountId ?? id;
}

/** The row that the parent, or the caller, points at. */
export async function resolveOne<E extends { id: string }>(
  { entity, on: { accountId, id }, unless }: One<E>,
  ctx: Context,
  parent: object = {},
): Promise<E | null> {
  const key = valueOf(ctx, id!, parent);
  if (key === null) return null;
  const row = accountId
    ? await ctx.loaders.rowIn(entity, { accountId: valueOf(ctx, accountId, parent)! }, key)
    : await ctx.loaders.row(entity, key);
  return row && unless && (row as Row)[unless] ? null : row;
}

/**
 * One page of the rows that point at the parent and that the caller may read.
 *
 * @throws Refused (BAD_USER_INPUT) as `assertPage` does.
 */
export async function resolvePage<E extends Subject & { id: string }>(
  { entity, on, paging: { own, only = TRUE, where, newestFirst } }: Paged<E>,
  ctx: Context,
  args: PageRange & { order?: Order; filter?: object | null },
  parent: object = {},
): Promise<Connection<E>> {
  assertPage(entity, args);
  const { first, last, after, before, order, filter } = args;
  const [by, to] = Object.entries(on).at(-1)!;
  const asked = where && filter ? where(filter as never) : EVERYTHING;
  const found = await ctx.loaders.page<E>(
    own ? ctx.self : await ctx.in(accountOf(parent)),
    valueOf(ctx, to, parent)!,
    {
      ...{ entity, by: by as keyof E & string },
      ...{ size: last ?? first ?? DEFAULT_PAGE, backward: last != null },
      ...{ after: after ?? null, before: before ?? null },
      newestFirst: order ? order === Order.NEWEST_FIRST : Boolean(newestFirst),
      filter: { ...asked, where: all([only, asked.where]) },
    },
  );
  return connection(found);
}

/** All rows that point at the parent, in order. */
export async function resolveList<E extends Subject>(
  { entity, on, by, first }: Listed<E>,
  ctx: Context,
  parent: object,
): Promise<E[]> {
  if (first) {
    const paged = { entity, on, paging: {} } as unknown as Paged<Subject & { id: string }>;
    return (await resolvePage(paged, ctx, { first }, parent)).nodes as E[];
  }
  const [property, to] = Object.entries(on).at(-1)!;
  const id = valueOf(ctx, to, parent)!;
  return ctx.loaders.all(entity, { by: property, order: by }, accountOf(parent), id);
}

/** What the caller may do to the row. */
export async function resolveCan<N extends string>(
  { permissions }: { permissions: Record<N, Permission> },
  ctx: Context,
  row: Subject,
): Promise<Record<N, boolean>> {
  const access = await ctx.in(accountOf(row));
  const may = (permission: Permission): boolean => {
    if (typeof permission === "string") return access.can(permission, row);
    if ("row" in permission) return access.can(permission.action, permission.row(access.standing!));
    const { action, subject, columns } = permission;
    const entries = Object.entries(columns).map(
      ([property, from]) => [property, from && (row as unknown as Row)[from]] as const,
    );
    return access.can(action, Object.assign(new subject(), Object.fromEntries(entries)));
  };
  return mapped(permissions, may);
}

/** What the caller may do that concerns no account. */
export function resolveCanOwn<N extends string>(
  { permissions }: { permissions: Record<N, { action: Action; row: () => Subject }> },
  ctx: Context,
): Record<N, boolean> {
  return mapped(permissions, ({ action, row }) => ctx.self.can(action, row()));
}

function mapped<N extends string, V, W>(of: Record<N, V>, value: (from: V) => W): Record<N, W> {
  return Object.fromEntries(
    Object.entries<V>(of).map(([name, from]) => [name, value(from)]),
  ) as Record<N, W>;
}
