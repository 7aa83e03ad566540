import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isEnumType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
} from "graphql";
import { collectFields, collectSubfields } from "graphql/execution/collectFields";
import { all, raw, Sql, sql } from "../database/sql";
import { EVERYTHING, type Filter, mapped } from "../database/firstRows";
import type { Class, ColumnInfo, Table } from "../database/table";
import { concreteTypes, isResolved } from "./concreteTypes";
import type { AdmittedCaller } from "./admittedCaller";
import { guard } from "./guard";
import { type Json, literal, object, orNull, plain, text } from "./json";
import type { Relation } from "./relationKinds";
import { type Args, type Bindings, isSame, Plan, type Source, source } from "./plan";
import { Uncompilable } from "./uncompilable";

/** By type and field, interfaces included. */
export type Relations = Record<string, Record<string, Relation>>;
export type Tables = <E extends object>(entity: Class<E>) => Table<E>;
export type Variables = Record<string, unknown>;

/** A row in the statement being written: its table, and the alias it goes by. */
export interface Row {
  table: Table<object>;
  alias: string;
}

/** A field to read: of which row, with which arguments, and what is selected of it. */
export interface Place {
  /** Null at the root and in what is no row, such as `viewer`. */
  row: Row | null;
  field: GraphQLField<unknown, unknown>;
  nodes: readonly FieldNode[];
}

/** What a document is compiled with. */
export interface Compiling {
  schema: GraphQLSchema;
  relations: Relations;
  tables: Tables;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Variables;
  bindings: Bindings;
}

/** What is said of a field that is selected. */
export type Value = (field: GraphQLField<unknown, unknown>, nodes: readonly FieldNode[]) => Json;
type Collected = ReturnType<typeof collectFields>;

export const objectType = (type: GraphQLOutputType) => getNamedType(type) as GraphQLObjectType;

/** What is declared of a field: for its type, an interface of it, or a type that it may be. */
export function relationOf(
  schema: GraphQLSchema,
  relations: Relations,
  type: GraphQLObjectType | GraphQLInterfaceType,
  field: string,
): Relation | undefined {
  const possible = isInterfaceType(type) ? schema.getPossibleTypes(type) : [];
  for (const { name } of [type, ...type.getInterfaces(), ...possible]) {
    const relation = relations[name]?.[field];
    if (relation) return relation;
  }
  return undefined;
}

/** A moment as `Date.prototype.toISOString` writes it, quoted. */
const MOMENT = raw(`'\\"YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\\"'`);

/** Writes the statement. What it doesn't know it leaves to the executor by `Uncompilable`. */
export class Compiler {
  readonly caller: AdmittedCaller;
  /** Whether the caller's place in accounts matters, so that the guard must look. */
  private inAccounts = false;
  private readonly fragments: Record<string, FragmentDefinitionNode> = {};
  private readonly checks: ((from: Bindings) => boolean)[] = [];
  private readonly entered: ((from: Bindings) => string)[] = [];
  private rows = 0;
  private readonly given = new Map<FieldNode, Map<string, Source>>();

  constructor(private readonly of: Compiling) {
    this.caller = of.bindings.caller;
    for (const node of of.document.definitions) {
      if (node.kind === Kind.FRAGMENT_DEFINITION) this.fragments[node.name.value] = node;
    }
  }

  compile(): Plan {
    const { schema, operation, variables } = this.of;
    const query = schema.getQueryType()!;
    const fields = collectFields(schema, this.fragments, variables, query, operation.selectionSet);
    const data = text(this.each(query, fields, this.valueOf(null, query)));
    const whole = sql`select ${data} as data from ${guard(this.caller, this.inAccounts)}`;
    return new Plan(whole, this.checks, this.entered);
  }

  /** Leaves requests that fail the check to the executor. */
  check(passes: (from: Bindings) => boolean): void {
    this.checks.push(passes);
  }

  /** The request enters this account, of which the gate may have something to tell. */
  enters(accountId: (from: Bindings) => string): void {
    this.entered.push(accountId);
  }

  /** From here on it matters which accounts the caller is in, and as what. */
  entersAccounts(): void {
    this.inAccounts = true;
  }

  newRow(entity: Class<object>): Row {
    const table = this.of.tables(entity);
    return { table, alias: `${table.name.text[0]!}${++this.rows}` };
  }

  /** One column of a row. */
  column({ table, alias }: Row, property: string): Sql {
    return this.info({ table, alias }, property).at(alias);
  }

  /** The arguments of a field, as this compilation sees them. */
  args({ nodes: [node] }: Place): Args {
    return this.of.bindings.args.get(node!)!;
  }

  /** One argument, as the parameter it becomes; another value where it is not given. */
  arg({ nodes: [node] }: Place, name: string, otherwise: unknown = null): Source {
    let sources = this.given.get(node!);
    if (!sources) this.given.set(node!, (sources = new Map<string, Source>()));
    let found = sources.get(name);
    if (!found)
      sources.set(name, (found = source(({ args }) => args.get(node!)![name] ?? otherwise)));
    return found;
  }

  /** The filter of a page, whose texts are part of the plan's key, with parameters for its values. */
  filter({ nodes: [node] }: Place): Filter {
    const filter = this.of.bindings.filters.get(node!);
    if (!filter) return EVERYTHING;
    const bound = ({ texts, values }: Sql, read: (of: Filter) => Sql): Sql =>
      new Sql(
        texts,
        values.map((_, i) => source(({ filters }) => read(filters.get(node!)!).values[i])),
      );
    return mapped(filter, bound);
  }

  subfields(type: GraphQLObjectType, nodes: readonly FieldNode[]) {
    return collectSubfields(this.of.schema, this.fragments, this.of.variables, type, nodes);
  }

  /** What is selected of a row, by the type it turns out to be. */
  body(row: Row, type: GraphQLOutputType, nodes: readonly FieldNode[]): Json {
    const named = getNamedType(type);
    if (isObjectType(named)) return this.object(row, named, nodes);
    const concrete = concreteTypes(row.table.entity);
    const bodies = concrete.types.map(({ word, name }) => {
      const json = this.object(row, this.typeNamed(name), nodes);
      return { word, json, sql: text(json) };
    });
    const [first, ...more] = bodies;
    if (!first) throw new Uncompilable(`${named.name} could be anything`);
    if (!concrete.by || more.every((body) => isSame(body.sql, first.sql))) return first.json;
    const by = this.column(row, concrete.by);
    const cases = bodies.map((body) => sql` when ${literal(body.word)} then ${body.sql}`);
    return [sql`case ${by}${cases.reduce((a, b) => sql`${a}${b}`)} end`];
  }

  /** The selected fields of what has this very type. */
  object(row: Row | null, type: GraphQLObjectType, nodes: readonly FieldNode[]): Json {
    return this.fields(type, nodes, this.valueOf(row, type));
  }

  /** Each selected field, printed by a function that knows the type. */
  fields(type: GraphQLObjectType, nodes: readonly FieldNode[], value: Value): Json {
    return this.each(type, this.subfields(type, nodes), value);
  }

  /** `(select … from … where …)`: one row, as JSON; nothing where there is none. */
  select(row: Row, body: Json, where: readonly Sql[]): Sql {
    const { table, alias } = row;
    return sql`(select ${text(body)} from ${table.name} ${raw(alias)} where ${all(where)})`;
  }

  typeNamed(name: string): GraphQLObjectType {
    return this.of.schema.getType(name) as GraphQLObjectType;
  }

  private each(type: GraphQLObjectType, fields: Collected, value: Value): Json {
    return object(
      [...fields].map(([key, nodes]) => {
        const name = nodes[0]!.name.value;
        if (name === "__typename") return [key, [`"${type.name}"`]] as const;
        const field = type.getFields()[name];
        if (!field) throw new Uncompilable(`${name} is for the executor`);
        return [key, value(field, nodes)] as const;
      }),
    );
  }

  /** Fields of a row as they are declared, or as its columns say. */
  private valueOf(row: Row | null, type: GraphQLObjectType): Value {
    const { schema, relations } = this.of;
    return (field, nodes) => {
      const relation = relationOf(schema, relations, type, field.name);
      if (relation) return relation.read({ row, field, nodes }, this);
      if (!row || isResolved(type.name, field.name)) {
        throw new Uncompilable(`only its resolver knows ${type.name}.${field.name}`);
      }
      return this.leaf(row, field.name, field.type);
    };
  }

  private info({ table }: Row, property: string): ColumnInfo {
    const info = table.info(property);
    if (!info) throw new Uncompilable(`${table.entity.name}.${property} is no column`);
    return info;
  }

  /** A column as the executor would print it. */
  leaf(row: Row, property: string, type: GraphQLOutputType): Json {
    const info = this.info(row, property);
    if (info.nullable && isNonNullType(type)) {
      throw new Uncompilable(`${row.table.entity.name}.${property} may be null, its field may not`);
    }
    // Ids of their own and words need no escaping: a CHECK on each of these columns says so.
    const named = getNamedType(type);
    if (isEnumType(named) && named.getValues().some(({ name, value }) => name !== value)) {
      throw new Uncompilable(`${named.name} is not stored as it is shown`);
    }
    const bare = property === "id" || (isEnumType(named) && !info.array);
    const json = this.scalar(info.at(row.alias), info, bare);
    return info.nullable ? orNull(text(json)) : json;
  }

  private scalar(value: Sql, { type, nullable }: ColumnInfo, bare: boolean): Json {
    if (type === "timestamptz") return [sql`to_char(${value}, ${MOMENT})`];
    if (type === "boolean") return [sql`${value}::text`]; // it would be `t`
    if (type === "integer" || type === "jsonb") return [value];
    // A null must stay one: concat would leave its quotes.
    if (bare) return nullable ? [sql`'"' || ${value} || '"'`] : plain(value);
    if (type === "text" || type === "inet" || type === "cidr") {
      return [sql`to_json(${value})`];
    }
    throw new Uncompilable(`nothing says how to print a ${type}`);
  }
}
