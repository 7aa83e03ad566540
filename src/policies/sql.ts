import { rulesToAST } from "@casl/ability/extra";
import { type Condition, CompoundCondition, type FieldCondition } from "@ucast/core";
import { all, join, raw, type Sql, sql } from "../database/sql";
import type { Table } from "../database/table";
import type { Ability, Action, SubjectClass } from "./ability";

/**
 * The rows of a table that the ability allows, as a condition on the alias `row`.
 *
 * It goes into the query before anything is counted or paged: filtering afterwards would give
 * short pages, and a short page tells the reader that something is hidden. Where null meets a
 * comparison this says what CASL says in JavaScript, which knows no third truth value; a test
 * compares the two on every kind of row.
 */
export function allowed(
  ability: Ability,
  action: Action,
  subject: SubjectClass,
  table: Table<object>,
): Sql {
  const rules = rulesToAST(ability, action, subject as never);
  return rules ? walk(rules, table) : raw("false");
}

function walk(node: Condition, table: Table<object>): Sql {
  if (!(node instanceof CompoundCondition)) return compare(node as FieldCondition, table);
  const parts = (node.value as Condition[]).map((child) => walk(child, table));
  if (node.operator === "and") return all(parts);
  if (node.operator === "or") {
    return parts.length ? sql`(${join(parts, " or ")})` : raw("true");
  }
  if (node.operator === "not") return sql`(${all(parts)}) is not true`;
  throw new Error(`A rule used for reading can't say "${node.operator}".`);
}

function compare({ field, operator, value }: FieldCondition, table: Table<object>): Sql {
  const name = raw(`row.${table.column(field)}`);
  if (operator === "eq") return value === null ? sql`${name} is null` : sql`${name} = ${value}`;
  if (operator === "ne") return sql`${name} is distinct from ${value}`;
  if (operator === "in") return sql`${name} = any(${value})`;
  if (operator === "nin") return sql`(${name} = any(${value})) is not true`;
  throw new Error(`A rule used for reading can't say "${operator}" of ${field}.`);
}
