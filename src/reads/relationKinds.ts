import { isNonNullType } from "graphql";
import { type Filter, firstRows, mapped } from "../database/firstRows";
import { all, raw, type Sql, sql, TRUE } from "../database/sql";
import type { Class } from "../database/table";
import { Account } from "../entities/Account";
import { Refusal, Refused } from "../errors";
import { DEFAULT_PAGE, MAX_PAGE } from "./filters";
import { isId, kindOf, type PREFIX } from "../ids";
import type { Action, Subject, SubjectClass } from "../policies/ability";
import type { Standing } from "../principal";
import { type Compiler, objectType, type Place, type Row } from "./compiler";
import { type Json, orNull, plain, text, truth } from "./json";
import type { AdmittedCaller } from "./admittedCaller";
import { CALLER } from "./guard";
import { may, mayOwn, mayWith } from "./rules";
import type { Args, Own, Source } from "./plan";
import { Uncompilable } from "./uncompilable";

/** The words in which `relations.ts` says what a field reads. */
export interface Relation {
  /**
   * What of the arguments the statement's text depends on.
   *
   * @throws where the executor has something to say about them.
   */
  shape?: (args: Args) => { key: string; filter?: Filter };
  read: (place: Place, compiler: Compiler) => Json;
}

/** The kinds of ids that rows of an entity carry, where these aren't named for it. */
const ID_KINDS: Partial<Record<string, readonly (keyof typeof PREFIX)[]>> = {
  Credential: ["Authtoken", "ApiKey"],
  UserEvent: ["Event"],
};

/** Whether a text can be a cursor of a page of these rows: it is the id of one. */
function isCursorOf({ name }: Entity, text: string): boolean {
  const kind = isId(text) && kindOf(text);
  return kind ? (ID_KINDS[name] ?? [name]).includes(kind) : false;
}

/** Which part of a list is asked for: null is not given. */
export interface PageRange {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

/** @throws Refused (BAD_USER_INPUT) for both ends at once, a page too large, and a cursor that never was one. */
export function assertPage(entity: Entity, range: PageRange): void {
  const refuse = (field: string, problem: string) => {
    throw new Refused(Refusal.BAD_USER_INPUT, `\`${field}\` ${problem}`, [field]);
  };
  for (const name of ["first", "last"] as const) {
    const size = range[name] ?? 1;
    if (size < 1 || size > MAX_PAGE) {
      refuse(name, `takes 1 to ${MAX_PAGE}; this asks for ${size}.`);
    }
  }
  if (range.first != null && range.last != null) {
    refuse("last", "is not taken together with `first`. Give one of them.");
  }
  for (const name of ["after", "before"] as const) {
    const cursor = range[name] ?? null;
    if (cursor !== null && !isCursorOf(entity, cursor)) {
      refuse(name, "takes a cursor of this list.");
    }
  }
}

type Entity = Class<object>;
/** Columns of the child, and what of the parent they equal: a property, or the caller's own. */
export type On = Record<string, string | Own>;
/** Written over a row's columns. */
type Expression = (column: (property: string) => Sql) => Sql;

function joined(compiler: Compiler, row: Row, on: On, parent: Row | null): Sql[] {
  return Object.entries(on).map(([property, to]) => {
    const value = typeof to === "string" ? compiler.column(parent!, to) : to;
    return sql`${compiler.column(row, property)} = ${value}`;
  });
}

/** The account that a row belongs to, or is. */
const accountOf = (compiler: Compiler, row: Row) =>
  compiler.column(row, row.table.info("accountId") ? "accountId" : "id");

/** Whether the caller may read rows of an entity by the rules of their accounts. */
function readable(compiler: Compiler, row: Row): Sql {
  const { caller } = compiler;
  compiler.entersAccounts();
  const subject = row.table.entity as unknown as SubjectClass;
  return may(caller, "read", subject, row.table.at(row.alias), accountOf(compiler, row));
}

function readableOwn(compiler: Compiler, row: Row): Sql {
  const subject = row.table.entity as unknown as SubjectClass;
  return mayOwn(compiler.caller, "read", subject, row.table.at(row.alias));
}

export interface One<E> extends Relation {
  entity: Class<E & object>;
  on: On;
  /** The property that is set once the row is gone for those who point at it. */
  unless: string | undefined;
}

/** The row that another points at, which every caller sees who sees that one, whatever the rules. */
export function one<E extends object>(entity: Class<E>, on: On, unless?: string): One<E> {
  return {
    ...{ entity, on, unless },
    read({ row: parent, field, nodes }, compiler) {
      const row = compiler.newRow(entity);
      const gone = unless ? [sql`${compiler.column(row, unless)} is null`] : [];
      const conditions = [...joined(compiler, row, on, parent), ...gone];
      const found = compiler.select(row, compiler.body(row, field.type, nodes), conditions);
      return isNonNullType(field.type) ? [found] : orNull(found);
    },
  };
}

export interface Paging {
  /** What the field's `filter` asks, on the alias `row`. */
  where?: (filter: never) => Filter;
  /** What holds whatever is asked, on the alias `row`. */
  only?: Sql;
  /** By the rules of what is the caller's own, instead of the account's. */
  own?: true;
  newestFirst?: true;
}

export interface Paged<E> extends Relation {
  entity: Class<E & object>;
  on: On;
  paging: Paging;
}

/** What of a filter changes the text of a statement. */
function textOf(filter: Filter): string {
  const texts: string[] = [];
  mapped(filter, (piece) => {
    texts.push(piece.text);
    return piece;
  });
  return texts.join(" ");
}

/** The rows that point at a parent, a page at a time, by id: ids sort by age. */
export function page<E extends object>(entity: Class<E>, on: On, paging: Paging = {}): Paged<E> {
  const { where, only = TRUE, own, newestFirst } = paging;
  return {
    ...{ entity, on, paging },
    shape(args) {
      assertPage(entity, args);
      const { filter, order } = args;
      const given = ["last", "after", "before"].filter((name) => args[name] != null);
      const asked = where && filter ? where(filter as never) : undefined;
      const key = `${String(order)} ${given.join(" ")} ${asked ? textOf(asked) : ""}`;
      return { key, ...(asked && { filter: asked }) };
    },
    read(place, compiler) {
      const { field, nodes, row: parent } = place;
      const { last, after, before, order } = compiler.args(place);
      const newest = order === undefined ? Boolean(newestFirst) : order === "NEWEST_FIRST";
      const backward = last != null;
      const row = compiler.newRow(entity);
      const inner = { ...row, alias: "row" };
      const size = sql`${compiler.arg(place, backward ? "last" : "first", DEFAULT_PAGE)}::int`;
      // Which of the two a row more tells; the other one is beyond the cursor that the page begins from.
      const peeked = backward ? "hasPreviousPage" : "hasNextPage";
      const id = compiler.column(row, "id");
      const connection = objectType(field.type);
      let reads = false;
      const selected = [...compiler.subfields(connection, nodes).values()];
      const peeks = selected
        .filter(([node]) => node!.name.value === "pageInfo")
        .flatMap((inner) => [...compiler.subfields(compiler.typeNamed("PageInfo"), inner).values()])
        .some(([node]) => node!.name.value === peeked);
      const shown = peeks ? sql` filter (where ${raw(row.alias)}.n <= ${size})` : raw("");
      const list = (body: Json): Json => {
        reads = true;
        return ["[", sql`string_agg(${text(body)}, ',')${shown}`, "]"];
      };
      const body = compiler.fields(connection, nodes, ({ name, type }, inner) => {
        if (name === "nodes") return list(compiler.body(row, type, inner));
        const named = objectType(type);
        if (name === "edges") {
          return list(
            compiler.fields(named, inner, ({ name, type }, deep) =>
              name === "cursor" ? plain(id) : compiler.body(row, type, deep),
            ),
          );
        }
        return compiler.fields(named, inner, ({ name }) => {
          if (name.startsWith("has") && name !== peeked) {
            return [String((backward ? before : after) != null)];
          }
          reads = true;
          if (name === peeked) return truth(sql`count(*) > ${size}`);
          const least = (name === "startCursor") !== newest;
          return orNull(sql`'"' || ${raw(least ? "min" : "max")}(${id})${shown} || '"'`);
        });
      });
      // An aggregate of nothing would come once for each row.
      if (!reads) return body;
      const conditions = [
        ...joined(compiler, inner, on, parent),
        own ? readableOwn(compiler, inner) : readable(compiler, inner),
        only,
      ];
      const cursor = (name: "after" | "before", given: unknown) =>
        given == null ? null : sql`${compiler.arg(place, name)}::text`;
      const rows = firstRows(
        {
          ...{ columns: raw("row.*"), table: row.table.name, descending: newest, backward },
          ...{ after: cursor("after", after), before: cursor("before", before) },
          ...(parent && { account: accountOf(compiler, parent) }),
        },
        conditions,
        compiler.filter(place),
        sql`${size}${raw(peeks ? " + 1" : "")}`,
      );
      const by = (descending: boolean) => raw(descending ? "row.id desc" : "row.id");
      const number = peeks
        ? sql`, row_number() over (order by ${by(newest !== backward)}) as n`
        : raw("");
      const turned = backward ? sql` order by ${by(newest)}` : raw("");
      const shownFrom =
        peeks || backward ? sql`select row.*${number} from (${rows}) row${turned}` : rows;
      return [sql`(select ${text(body)} from (${shownFrom}) ${raw(row.alias)})`];
    },
  };
}

export interface Listed<E> extends Relation {
  entity: Class<E & object>;
  on: On;
  by: string;
  /** The most there are of them, where the rules say who reads them. */
  first: number | undefined;
}

/** All rows that point at a parent: for lists with a cap. */
export function list<E extends object>(
  entity: Class<E>,
  on: On,
  { by, first }: { by: string; first?: number },
): Listed<E> {
  return {
    ...{ entity, on, by, first },
    read({ row: parent, field, nodes }, compiler) {
      const row = compiler.newRow(entity);
      const inner = { ...row, alias: "row" };
      const body = compiler.body(row, field.type, nodes);
      const rule = first ? [readable(compiler, inner)] : [];
      const order = compiler.column(inner, by);
      return [
        "[",
        sql`(select string_agg(${text(body)}, ',') from (select row.* from ${row.table.name} row
          where ${all([...joined(compiler, inner, on, parent), ...rule])}
          order by ${order}${raw(first ? ` limit ${first}` : "")}) ${raw(row.alias)})`,
        "]",
      ];
    },
  };
}

/** The same row, as another type. */
export const same: Relation = {
  read: ({ row, field, nodes }, compiler) => compiler.object(row, objectType(field.type), nodes),
};

/** An object made of columns of the row under other names. */
export function columns<N extends Record<string, string>>(names: N): Relation & { names: N } {
  return {
    names,
    read({ row, field, nodes }, compiler) {
      const type = objectType(field.type);
      return compiler.fields(type, nodes, ({ name, type }) =>
        compiler.leaf(row!, names[name]!, type),
      );
    },
  };
}

/** One word of a closed set, worked out from columns. */
export function word(expression: Expression): Relation {
  return {
    read: ({ row }, compiler) => plain(expression((property) => compiler.column(row!, property))),
  };
}

/** A list that is the same for everyone, for as long as the server runs. */
export function fixed(rows: readonly object[]): Relation {
  return {
    read({ field, nodes }, compiler) {
      const type = objectType(field.type);
      const items = rows.map((row) =>
        compiler.fields(type, nodes, ({ name }) => [JSON.stringify(Reflect.get(row, name))]),
      );
      return ["[", ...items.flatMap((item, i) => (i ? [",", ...item] : item)), "]"];
    },
  };
}

/** What depends on nothing but who asks. */
export function fact(read: (caller: AdmittedCaller) => Json): Relation {
  return { read: (_place, compiler) => read(compiler.caller) };
}

/** What the caller may do to the row: its own action each, or one on another row thought of. */
export type Permission =
  | Action
  | { action: Action; subject: SubjectClass; columns: Record<string, string | null> }
  | { action: Action; row: (standing: Standing) => Subject };
export type Permissions<N extends string> = Record<N, Permission>;

export function can<N extends string>(
  permissions: Permissions<N>,
): Relation & { permissions: Permissions<N> } {
  return {
    permissions,
    read({ row, field, nodes }, compiler) {
      compiler.entersAccounts();
      const { caller } = compiler;
      const at = row!;
      const account = accountOf(compiler, at);
      const type = objectType(field.type);
      return compiler.fields(type, nodes, ({ name }) => {
        const permission = (permissions as Partial<Permissions<string>>)[name];
        if (!permission)
          throw new Uncompilable(`nothing says which action ${type.name}.${name} asks`);
        if (typeof permission === "string") {
          const subject = at.table.entity as unknown as SubjectClass;
          return truth(may(caller, permission, subject, at.table.at(at.alias), account));
        }
        if ("row" in permission) {
          return truth(mayWith(caller, permission.action, permission.row, account));
        }
        const { action, subject, columns } = permission;
        const column = (property: string) => {
          const from = columns[property];
          if (from === undefined) throw new Uncompilable(`${property} of a row only thought of`);
          const name = from ? compiler.column(at, from) : raw("null::text");
          return { name, array: false };
        };
        return truth(may(caller, action, subject, column, account));
      });
    },
  };
}

/** What the caller may do that concerns no account. */
export function canOwn<N extends string>(
  permissions: Record<N, { action: Action; row: () => Subject }>,
): Relation & { permissions: typeof permissions } {
  return {
    permissions,
    read({ field, nodes }, compiler) {
      const type = objectType(field.type);
      return compiler.fields(type, nodes, ({ name }) => {
        const { action, row } = permissions[name as N];
        return [String(compiler.caller.self.can(action, row()))];
      });
    },
  };
}

/** Rows that may have the id: of accounts that are open to the caller, unless it is said otherwise. */
export interface Found {
  entity: Entity;
  /** They belong to the caller and to no account. */
  own?: true;
  /** A caller in one of these accounts sees the row with this id. */
  shared?: (id: Sql, accountIds: unknown) => Sql;
}
type Founds = Partial<Record<keyof typeof PREFIX, readonly Found[]>>;

/** Whatever has the id given, as far as the caller may see it: its prefix says where to look. */
export function byId(founds: Founds): Relation & { founds: Founds } {
  const kindIn = ({ id }: Args) => kindOf(id as string);
  return {
    founds,
    shape: (args) => ({ key: kindIn(args) ?? "" }),
    read(place, compiler) {
      const kind = kindIn(compiler.args(place));
      const found = (kind && founds[kind]) ?? [];
      if (found.length === 0) return ["null"];
      const id = compiler.arg(place, "id");
      const selects = found.map(({ entity, own, shared }) => {
        const row = compiler.newRow(entity);
        const body = compiler.body(row, place.field.type, place.nodes);
        const column = compiler.column(row, "id");
        if (shared) compiler.entersAccounts();
        const visible = own
          ? readableOwn(compiler, row)
          : (shared?.(column, CALLER.open) ?? inside(row, compiler, id));
        return compiler.select(row, body, [sql`${column} = ${id}`, visible]);
      });
      return [sql`coalesce(${selects.reduce((a, b) => sql`${a}, ${b}`)}, 'null')`];
    },
  };
}

/**
 * What is behind a gate that shuts the caller out is for the executor, which says so; what a
 * session enters for the first time, which it records; and a row in whichever account, where the
 * gate has a warning of one.
 */
function inside(row: Row, compiler: Compiler, id: Source): Sql {
  compiler.entersAccounts();
  compiler.check((from) => {
    const { refusals, notEntered, entersSilently } = from.caller;
    if (row.table.entity !== Account) return !Object.keys(refusals).length && entersSilently;
    const asked = id.read(from) as string;
    return !(asked in refusals) && !notEntered.includes(asked);
  });
  if (row.table.entity === Account) compiler.enters((from) => id.read(from) as string);
  return all([sql`${accountOf(compiler, row)} = any(${CALLER.open})`, readable(compiler, row)]);
}
