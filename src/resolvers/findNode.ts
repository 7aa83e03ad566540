import type { Context } from "../context/context";
import { all, raw, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import { Account } from "../entities/Account";
import type { Node } from "../entities/Node";
import { NotFound } from "../errors";
import { kindOf, type PREFIX } from "../ids";
import type { Subject } from "../policies/ability";
import { relations } from "../reads/relations";
import type { Found } from "../reads/relationKinds";

/** The row with this ID; null where it does not exist, or the caller may not see it (Y3). */
export async function findNode(
  ctx: Context,
  id: string,
  only?: keyof typeof PREFIX,
): Promise<Node | null> {
  const kind = kindOf(id);
  void ctx.principal; // throws Unauthenticated for a caller who has not signed in, whatever the ID
  if (!kind || (only && kind !== only)) return null;
  try {
    for (const found of relations.Query.node.founds[kind] ?? []) {
      const node = await first(ctx, found.entity, id, await visible(ctx, found, id));
      if (node) return node;
    }
    return null;
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

/** The rows of the kind that the caller sees, as a condition on the alias `row`. */
async function visible(ctx: Context, { entity, own, shared }: Found, id: string): Promise<Sql> {
  if (own) return ctx.self.readable(entity);
  if (shared) return shared(raw("row.id"), await openTo(ctx));
  const isAccount = (entity as unknown) === Account;
  const access = isAccount ? await ctx.in(id) : await ctx.accessTo(entity as Class<Subject>, id);
  return access.readable(entity);
}

/** The accounts whose gate lets the caller in. */
async function openTo(ctx: Context): Promise<string[]> {
  const accountIds = await ctx.accountIds();
  const refusals = await Promise.all(accountIds.map((accountId) => ctx.refusalFrom(accountId)));
  return accountIds.filter((_, i) => !refusals[i]);
}

async function first(
  ctx: Context,
  entity: Class<object>,
  id: string,
  visible: Sql,
): Promise<Node | null> {
  const table = ctx.db.table(entity);
  const rows = await ctx.db.read(
    sql`select ${table.columns} from ${table.name} row
      where ${all([sql`row.id = ${id}`, visible])} limit ${raw("1")}`,
  );
  return (table.instances(rows)[0] as Node | undefined) ?? null;
}
