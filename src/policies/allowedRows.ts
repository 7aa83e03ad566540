import { rulesToAST } from "@casl/ability/extra";
import { type Condition, CompoundCondition, type FieldCondition } from "@ucast/core";
import { all, any, FALSE, raw, Sql, sql, TRUE } from "../database/sql";
import type { ColumnOf } from "../database/table";
import type { Ability, Action, SubjectClass } from "./ability";

/** What the SQL has in place of a value of a rule. */
type Given = (value: unknown, operator: string) => unknown;

/**
 * The rows that the ability allows, as a condition on their columns.
 *
 * The condition goes into the query before rows are counted or paged. To filter afterwards would give
 * short pages, and a short page tells the caller that rows are hidden. A comparison with null gives
 * true or false, as CASL's does in JavaScript; a test compares the two on every kind of row.
 */
export function allowed(
  ability: Ability,
  action: Action,
  subject: SubjectClass,
  column: ColumnOf,
  given: Given = (value) => value,
): Sql {
  const rules = rulesToAST(ability, action, subject as never);
  return rules ? walk(rules, column, given) : FALSE;
}

function walk(node: Condition, column: ColumnOf, given: Given): Sql {
  if (!(node instanceof CompoundCondition)) return compare(node as FieldCondition, column, given);
  const parts = (node.value as Condition[]).map((child) => walk(child, column, given));
  if (node.operator === "and") return all(parts);
  if (node.operator === "or") return parts.length ? any(parts) : TRUE;
  if (node.operator === "not") {
    const whole = all(parts);
    return whole === TRUE ? FALSE : whole === FALSE ? TRUE : sql`(${whole}) is not true`;
  }
  throw new Error(`A rule used for reading can't say "${node.operator}".`);
}

function compare({ field, operator, value }: FieldCondition, column: ColumnOf, given: Given): Sql {
  const wanted = given(value, operator);
  const { name, array } = column(field);
  // `given` may answer with the column itself: that comparison is always true.
  if (operator === "eq" && wanted instanceof Sql && wanted.text === name.text) return TRUE;
  if (Array.isArray(value) && value.includes(null)) {
    throw new Error(`A rule used for reading can't say null in a list of ${field}.`);
  }
  if (!array) {
    if (operator === "eq") return value === null ? sql`${name} is null` : sql`${name} = ${wanted}`;
    if (operator === "ne") return sql`${name} is distinct from ${wanted}`;
    if (operator === "in") return sql`${name} = any(${wanted})`;
    if (operator === "nin") return sql`(${name} = any(${wanted})) is not true`;
  } else {
    if (operator === "in") return sql`${name} && ${wanted}${raw("::text[]")}`;
    if (operator === "nin") return sql`(${name} && ${wanted}${raw("::text[]")}) is not true`;
  }
  throw new Error(`A rule used for reading can't say "${operator}" of ${field}.`);
}
