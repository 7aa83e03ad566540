import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  Lexer,
  Source,
  TokenKind,
} from "graphql";
import { schema } from "../../src/graphql/schema";

/**
 * Documents made from the schema itself, so that a test which walks all of it meets a field on
 * the day it is added.
 */

/** The server's own limit. */
const MAX_TOKENS = 2_000;

type Parent = GraphQLObjectType | GraphQLInterfaceType;

interface Step {
  parent: Parent;
  field: GraphQLField<unknown, unknown>;
}

/** A field that takes arguments, and the shortest way there from the root. */
export interface Place {
  operation: "query" | "mutation";
  /** `Account.members`. */
  name: string;
  steps: Step[];
  field: GraphQLField<unknown, unknown>;
}

/** Every field with arguments that a document can reach: each once. */
export function places(): Place[] {
  const found: Place[] = [];
  const seen = new Set<string>();
  for (const operation of ["query", "mutation"] as const) {
    const root = schema.getRootType(operation as never)!;
    let edge: { type: GraphQLNamedType; steps: Step[] }[] = [{ type: root, steps: [] }];
    while (edge.length) {
      const next: typeof edge = [];
      for (const { type, steps } of edge) {
        if (seen.has(type.name)) continue;
        seen.add(type.name);
        if (isAbstractType(type)) {
          for (const possible of schema.getPossibleTypes(type)) {
            next.unshift({ type: possible, steps });
          }
        }
        if (!isObjectType(type)) continue;
        for (const field of Object.values(type.getFields())) {
          const way = [...steps, { parent: type, field }];
          if (field.args.length) {
            found.push({ operation, name: `${type.name}.${field.name}`, steps: way, field });
          }
          next.push({ type: getNamedType(field.type), steps: way });
        }
      }
      edge = next;
    }
  }
  return found;
}

interface Writing {
  /** What the field at the place gets in its parentheses, where it gives this type. */
  args: string | ((typeName: string) => string);
  /** Whose id to give on the way there: of the account, the node of this type. */
  idOf: (typeName: string) => string;
  /** Variables, such as `($id: ID!)`. */
  variables?: string;
  depth: number;
}

/** The documents that ask for everything at a place, down to a depth: one for each type there. */
export function documentsAt(place: Place, writing: Writing): string[] {
  const type = getNamedType(place.field.type);
  const types = isInterfaceType(type) ? schema.getPossibleTypes(type) : [type];
  return types.map((one) => {
    for (let depth = writing.depth; depth > 0; depth--) {
      const text = written(place, writing, one, selection(one, depth, one !== type));
      if (tokensIn(text) <= MAX_TOKENS) return text;
    }
    throw new Error(`${place.name} has more fields than a document may name`);
  });
}

/** The shortest document with this field: valid, and asking for next to nothing. */
export function shortDocumentAt(place: Place, writing: Omit<Writing, "depth">): string {
  const type = getNamedType(place.field.type);
  return written(place, { ...writing, depth: 0 }, type, "{ __typename }");
}

function written(
  place: Place,
  { args, idOf, variables = "" }: Writing,
  type: GraphQLNamedType,
  below: string,
): string {
  const given = typeof args === "string" ? args : args(type.name);
  const [last, ...before] = [...place.steps].reverse();
  const on = last!.parent;
  let text = `${last!.field.name}${given && `(${given})`} ${isLeafType(type) ? "" : below}`;
  let child: Parent = on;
  for (const { parent, field } of before) {
    const type = getNamedType(field.type);
    const inner = isAbstractType(type) ? `... on ${child.name} { ${text} }` : text;
    const id = isAbstractType(type) ? idOf(child.name) : idOf(type.name);
    const given = field.args.filter(isRequiredArgument).map((arg) => {
      if (arg.name !== "id") throw new Error(`What to give ${field.name}(${arg.name}:)?`);
      return `id: "${id}"`;
    });
    text = `${field.name}${given.length ? `(${given.join(", ")})` : ""} { ${inner} }`;
    child = parent;
  }
  return `${place.operation}${variables} { ${text} }`;
}

/** All fields of a type to a depth, pages kept short. */
function selection(type: GraphQLNamedType, depth: number, asFragment = false): string {
  const fields = all(type, depth);
  return asFragment ? `{ __typename ... on ${type.name} { ${fields} } }` : `{ ${fields} }`;
}

function all(type: GraphQLNamedType, depth: number): string {
  if (isAbstractType(type)) {
    const parts = schema
      .getPossibleTypes(type)
      .map((possible) => `... on ${possible.name} { ${all(possible, depth)} }`);
    return ["__typename", ...parts].join(" ");
  }
  if (!isObjectType(type)) return "__typename";
  const parts = Object.values(type.getFields()).flatMap((field) => {
    if (field.args.some(isRequiredArgument)) return [];
    const below = getNamedType(field.type);
    if (isLeafType(below)) return [field.name];
    if (depth <= 1) return [];
    const page = field.args.some(({ name }) => name === "first") ? "(first: 3)" : "";
    return [`${field.name}${page} { ${all(below, depth - 1)} }`];
  });
  return ["__typename", ...parts].join(" ");
}

export function tokensIn(document: string): number {
  const lexer = new Lexer(new Source(document));
  let count = 0;
  while (lexer.advance().kind !== TokenKind.EOF) count++;
  return count;
}

/** A text inside an argument: where it stands, and its type there. */
export interface InputPlace {
  place: Place;
  arg: GraphQLArgument;
  /** From the argument down: `["input", "roles", "team"]`; a number for an item of a list. */
  path: (string | number)[];
  /** `SignInInput.email`, or `Query.node.id` for an argument itself. */
  key: string;
  type: GraphQLInputType;
}

/** Every leaf of every argument in the schema: each input field once. */
export function inputPlaces(): InputPlace[] {
  const found: InputPlace[] = [];
  const seen = new Set<string>();
  for (const place of places()) {
    for (const arg of place.field.args) {
      walk(arg.type, [arg.name], `${place.name}.${arg.name}`);

      function walk(type: GraphQLInputType, path: (string | number)[], key: string): void {
        const bare = getNullableType(type);
        if (isListType(bare)) return walk(bare.ofType, [...path, 0], key);
        if (!isInputObjectType(bare)) {
          if (!seen.has(key)) found.push({ place, arg, path, key, type: bare });
          seen.add(key);
          return;
        }
        for (const field of Object.values(bare.getFields())) {
          walk(field.type, [...path, field.name], `${bare.name}.${field.name}`);
        }
      }
    }
  }
  return found;
}

/** Something valid for an argument, with this value at this path of it. */
export function inputWith(arg: GraphQLArgument, path: (string | number)[], value: unknown) {
  return make(arg.type, path.slice(1), value);
}

const NOTHING = Symbol("nothing stands here");

function make(type: GraphQLInputType, path: (string | number)[] | null, value: unknown): unknown {
  if (isNonNullType(type)) return make(type.ofType, path, value);
  if (isListType(type)) {
    return path ? [make(type.ofType, path.slice(1), value)] : [];
  }
  if (isInputObjectType(type)) {
    const entries = Object.values(type.getFields()).flatMap((field): [string, unknown][] => {
      if (path && field.name === path[0])
        return [[field.name, make(field.type, path.slice(1), value)]];
      return isRequiredInputField(field) ? [[field.name, make(field.type, null, NOTHING)]] : [];
    });
    return Object.fromEntries(entries);
  }
  if (path) return value;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  return { ID: "ac_00000000000000000000000000", Boolean: false, Int: 1 }[type.name] ?? "text";
}

/** A value as a literal of GraphQL: text quoted by its rules, enum words bare. */
export function literal(value: unknown, type: GraphQLInputType): string {
  const bare = getNullableType(type);
  if (value === null) return "null";
  if (typeof value === "string" && value.startsWith("$")) return value;
  if (isListType(bare)) {
    const item = bare.ofType;
    return Array.isArray(value)
      ? `[${value.map((one) => literal(one, item)).join(", ")}]`
      : literal(value, item);
  }
  if (isInputObjectType(bare)) {
    const fields = bare.getFields();
    const parts = Object.entries(value as object).map(
      ([name, one]) => `${name}: ${literal(one, fields[name]!.type)}`,
    );
    return `{ ${parts.join(", ")} }`;
  }
  return isEnumType(bare) ? (value as string) : JSON.stringify(value);
}
