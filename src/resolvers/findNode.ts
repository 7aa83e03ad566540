import type { Context } from "../context";
import { all, raw, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import { Account } from "../entities/Account";
import { Credential } from "../entities/Credential";
import { Event, UserEvent } from "../entities/Event";
import { Invitation } from "../entities/Invitation";
import { IPRestriction } from "../entities/IPRestriction";
import { Membership } from "../entities/Membership";
import type { Node } from "../entities/Node";
import { ServiceUser } from "../entities/ServiceUser";
import { Session } from "../entities/Session";
import { User } from "../entities/User";
import { NotFound } from "../errors";
import { kindOf, type PREFIX } from "../ids";
import type { Subject } from "../policies/ability";

type Finder = (ctx: Context, id: string) => Promise<Node | null>;

/** How each kind of id is found, by whoever may see it. */
const FINDERS: Record<keyof typeof PREFIX, Finder> = {
  Account: (ctx, id) => inAccount(ctx, Account, id, id),
  Membership: (ctx, id) => inOneOf(ctx, Membership, id),
  ServiceUser: (ctx, id) => inOneOf(ctx, ServiceUser, id),
  Authtoken: (ctx, id) => inOneOf(ctx, Credential, id),
  ApiKey: (ctx, id) => inOneOf(ctx, Credential, id),
  Invitation: (ctx, id) => inOneOf(ctx, Invitation, id),
  IPRestriction: (ctx, id) => inOneOf(ctx, IPRestriction, id),
  Event: async (ctx, id) => (await own(ctx, UserEvent, id)) ?? inOneOf(ctx, Event, id),
  Session: (ctx, id) => own(ctx, Session, id),
  User: async (ctx, id) => (await own(ctx, User, id)) ?? colleague(ctx, id),
};

/** Whatever has this id, as far as the caller may see it; null for all else, alike. */
export async function findNode(
  ctx: Context,
  id: string,
  only?: keyof typeof PREFIX,
): Promise<Node | null> {
  const kind = kindOf(id);
  void ctx.principal; // nobody signed in: says so, whatever the id
  if (!kind || (only && kind !== only)) return null;
  try {
    return await FINDERS[kind](ctx, id);
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

async function inOneOf(ctx: Context, entity: Class<Subject>, id: string): Promise<Node | null> {
  const access = await ctx.accessTo(entity, id);
  return first(ctx, entity, [sql`row.id = ${id}`, access.readable(entity)]);
}

async function inAccount(
  ctx: Context,
  entity: Class<Subject>,
  accountId: string,
  id: string,
): Promise<Node | null> {
  const access = await ctx.in(accountId);
  return first(ctx, entity, [sql`row.id = ${id}`, access.readable(entity)]);
}

function own(ctx: Context, entity: Class<Subject>, id: string): Promise<Node | null> {
  return first(ctx, entity, [sql`row.id = ${id}`, ctx.self.readable(entity)]);
}

/** A user is seen by those who share an account with them, through their membership there. */
async function colleague(ctx: Context, id: string): Promise<Node | null> {
  const accountIds = await ctx.accountIds();
  const refusals = await Promise.all(accountIds.map((accountId) => ctx.refusalFrom(accountId)));
  const entered = accountIds.filter((_, i) => !refusals[i]);
  const shared = sql`exists (select from memberships m
    where m.account_id = any(${entered}) and m.user_id = row.id and m.removed_at is null)`;
  return first(ctx, User, [sql`row.id = ${id}`, shared]);
}

async function first(ctx: Context, entity: Class<object>, where: Sql[]): Promise<Node | null> {
  const table = ctx.db.table(entity);
  const rows = await ctx.db.read(
    sql`select ${table.columns} from ${table.name} row where ${all(where)} limit ${raw("1")}`,
  );
  return (table.instances(rows)[0] as Node | undefined) ?? null;
}
