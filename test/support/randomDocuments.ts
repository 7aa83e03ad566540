import {
  getNamedType,
  getNullableType,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from "graphql";
import { schema } from "../../src/graphql/schema";

/** A stream of numbers from 0 to 1 that is the same for the same seed (mulberry32). */
export function random(seed: number) {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    chance: (p: number) => next() < p,
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!,
  };
}
export type Random = ReturnType<typeof random>;

export interface RandomDocument {
  text: string;
  /**
   * The same document is asked with each, as what is remembered of it must serve all: the first,
   * the first with other conditions, and the first with other filters.
   */
  variables: Record<string, unknown>[];
}

/** Prefixes of what is in a list, so that a cursor may be of this very list. */
const CURSORS: Record<string, string[]> = {
  members: ["mem"],
  memberships: ["mem"],
  serviceUsers: ["su"],
  credentials: ["ak", "cr"],
  invitations: ["inv"],
  events: ["ev"],
  sessions: ["ses"],
  identities: ["idn"],
};
const isAccountId = (id: string) => id.startsWith("ac_");

type Composite = GraphQLObjectType | GraphQLInterfaceType;

/** Texts that break what is put together carelessly. */
export const HOSTILE = [
  "plain",
  'quo"te',
  "back\\slash",
  "tab\tline\nreturn\r",
  "\u0001\u001f\u007f",
  "emoji 🦄 z̈",
  "\u2028\u2029",
  "apos'trophe",
  "</script>",
  "日本語",
  '{"a":1}',
  "$1 %s :x \\$2",
  "row.id",
];

/**
 * A query made from the schema itself, so that it meets a field on the day it is added: aliases,
 * fragments, directives, variables and defaults, pages out of range, foreign and malformed ids.
 */
export function randomDocument(
  { next, chance, pick }: Random,
  ids: readonly string[],
): RandomDocument {
  const declared: string[] = [];
  const variables: RandomDocument["variables"] = [{}, {}, {}];
  const fragments: string[] = [];
  let aliases = 0;
  let budget = 80;

  const scalar = (name: string, path: string): unknown => {
    if (name === "Boolean") return chance(0.5);
    if (name === "Int") return chance(0.05) ? pick([0, -1, 101]) : pick([1, 2, 3, 5, 50, 100]);
    if (name === "ID") return chance(0.1) ? pick(["", "x", "mem_", "' or true --"]) : pick(ids);
    if (name === "DateTimeISO" || name === "DateTime") {
      return new Date(Date.UTC(2026, 0, 1) + Math.floor(next() * 4e10)).toISOString();
    }
    if (path.endsWith("ip")) return pick(["10.0.0.0/8", "192.0.2.7", "::1", "2001:db8::/32", "no"]);
    if (path.endsWith("types")) return pick(["signed_in.v1", "member_disabled.v1", "x.v1"]);
    return pick([...HOSTILE, "a", "user", "@", "%", ""]);
  };

  /** A value of an input type, as JSON has it. */
  const value = (type: GraphQLInputType, path: string): unknown => {
    if (!isNonNullType(type) && chance(0.1)) return null;
    const bare = getNullableType(type);
    if (isListType(bare)) {
      return Array.from({ length: Math.floor(next() * 3) }, () => value(bare.ofType, path));
    }
    if (isEnumType(bare)) return pick(bare.getValues()).name;
    if (isInputObjectType(bare)) {
      const fields = Object.values(bare.getFields()).filter(() => chance(0.35));
      return Object.fromEntries(
        fields.map(({ name, type }) => [name, value(type, `${path}.${name}`)]),
      );
    }
    return scalar((bare as { name: string }).name, path);
  };

  /** The same as GraphQL writes it. */
  const written = (type: GraphQLInputType, given: unknown): string => {
    if (given === null) return "null";
    const bare = getNullableType(type);
    if (isListType(bare)) {
      return `[${(given as unknown[]).map((item) => written(bare.ofType, item)).join(", ")}]`;
    }
    if (isInputObjectType(bare)) {
      const fields = Object.entries(given as object);
      const parts = fields.map(
        ([name, item]) => `${name}: ${written(bare.getFields()[name]!.type, item)}`,
      );
      return `{ ${parts.join(", ")} }`;
    }
    return isEnumType(bare) ? (given as string) : JSON.stringify(given);
  };

  const variable = (type: GraphQLInputType, given: unknown, path: string): string => {
    const name = `v${declared.length}`;
    const required = isNonNullType(type);
    const fallback = !required && given !== null && chance(0.3) ? ` = ${written(type, given)}` : "";
    declared.push(`$${name}: ${String(type)}${fallback}`);
    const absent = !required && chance(0.2);
    const other = isInputObjectType(getNullableType(type)) ? value(type, path) : given;
    if (!absent) variables.forEach((one, i) => (one[name] = i === 2 ? other : given));
    return `$${name}`;
  };

  const directive = (): string => {
    if (!chance(0.1)) return "";
    let condition = String(chance(0.6));
    if (chance(0.6)) {
      const name = `v${declared.length}`;
      declared.push(`$${name}: Boolean!`);
      const held = chance(0.6);
      variables.forEach((one, i) => (one[name] = i === 1 ? !held : held));
      condition = `$${name}`;
    }
    return ` @${pick(["include", "skip"])}(if: ${condition})`;
  };

  const select = (type: Composite, depth: number): string => {
    const parts: string[] = [];
    const fields = Object.values(type.getFields());
    const count = 2 + Math.floor(next() * (depth ? 5 : 3));
    for (let i = 0; i < count && budget > 0; i++) {
      budget--;
      const roll = next();
      if (roll < 0.08) {
        parts.push(`${chance(0.3) ? `a${++aliases}: ` : ""}__typename${directive()}`);
        continue;
      }
      if (roll < 0.2 && depth < 7) {
        const others = isAbstractType(type) ? schema.getPossibleTypes(type) : type.getInterfaces();
        const on = pick<Composite>([type, ...others]);
        const inner = select(on, depth + 1);
        if (chance(0.4)) {
          const name = `F${fragments.length}`;
          fragments.push(`fragment ${name} on ${on.name} ${inner}`);
          parts.push(`...${name}${directive()}`);
        } else parts.push(`... on ${on.name}${directive()} ${inner}`);
        continue;
      }
      const field = pick(fields);
      const named = getNamedType(field.type);
      // Both ends at once are refused.
      const end = chance(0.95) ? pick(["first", "last"]) : null;
      const args = field.args.flatMap((arg) => {
        if (!isNonNullType(arg.type) && chance(0.6)) return [];
        if (end && end !== arg.name && ["first", "last"].includes(arg.name)) return [];
        if (arg.defaultValue !== undefined && chance(0.5)) return [];
        let given = value(arg.type, arg.name);
        // Most ids lead nowhere for most callers, and then there is little to compare.
        if (field.name === "account" && chance(0.8)) given = pick(ids.filter(isAccountId));
        if (arg.name === "after" || arg.name === "before") {
          const theirs = ids.filter((id) => CURSORS[field.name]?.includes(id.split("_", 1)[0]!));
          given = chance(0.6) ? null : theirs.length && chance(0.9) ? pick(theirs) : given;
        }
        const text = chance(0.4) ? variable(arg.type, given, arg.name) : written(arg.type, given);
        return [`${arg.name}: ${text}`];
      });
      const call = args.length ? `(${args.join(", ")})` : "";
      // With arguments, or of an interface's types, the same key may mean different things.
      const alias = call || field.args.length || chance(0.15) ? `a${++aliases}: ` : "";
      if (isLeafType(named)) parts.push(`${alias}${field.name}${call}${directive()}`);
      else if (depth < 8) {
        const inner = select(named as Composite, depth + 1);
        parts.push(`a${++aliases}: ${field.name}${call}${directive()} ${inner}`);
      }
    }
    return `{ ${parts.join(" ") || "__typename"} }`;
  };

  const body = select(schema.getQueryType()!, 0);
  const head = declared.length ? `(${declared.join(", ")})` : "";
  return { text: `query Q${head} ${body}\n${fragments.join("\n")}`, variables };
}

/** Every field that queries can reach: `Member.status`. */
export function fieldsOfQueries(): Set<string> {
  const found = new Set<string>();
  const visit = (type: Composite): void => {
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      if (found.has(name)) continue;
      found.add(name);
      const named = getNamedType(field.type);
      if (isAbstractType(named)) schema.getPossibleTypes(named).forEach(visit);
      else if (isObjectType(named)) visit(named);
    }
  };
  visit(schema.getQueryType()!);
  return found;
}
