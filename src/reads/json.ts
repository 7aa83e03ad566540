import { FALSE, join, raw, type Sql, sql, TRUE } from "../database/sql";

/** A JSON text being put together: text as it stands, and SQL whose output is JSON. */
export type Json = readonly (string | Sql)[];

/** A function of PostgreSQL takes at most 100 arguments. */
const MAX_ARGUMENTS = 90;

/** Text of our own making (GraphQL names, punctuation) as an SQL literal. */
export const literal = (text: string): Sql => raw(`'${text.replaceAll("'", "''")}'`);

/** `{"key":…,…}` in the order given. */
export function object(entries: readonly (readonly [key: string, value: Json])[]): Json {
  const parts = entries.flatMap(([key, value], i): Json => [
    `${i ? "," : "{"}${JSON.stringify(key)}:`,
    ...value,
  ]);
  return entries.length ? [...parts, "}"] : ["{}"];
}

/** `"…"` around what needs no escaping, as a CHECK on its column says. */
export const plain = (expression: Sql): Json => ['"', expression, '"'];

/** What the expression gives, or `null` where it gives nothing. */
export const orNull = (expression: Sql): Json => [sql`coalesce(${expression}, 'null')`];

/** True and false as JSON, where null counts as false. */
export const truth = (test: Sql): Json =>
  test === TRUE || test === FALSE
    ? [test.text]
    : [sql`case when ${test} then 'true' else 'false' end`];

/**
 * The whole as one SQL expression of type text. `concat` is the fastest that PostgreSQL has for it:
 * it prints each argument once, whatever its type, where a cast to text prints it and reads it again.
 */
export function text(json: Json): Sql {
  const merged: (string | Sql)[] = [];
  for (const part of json) {
    const last = merged.length - 1;
    const before = merged[last];
    if (typeof part === "string" && typeof before === "string") merged[last] = before + part;
    else merged.push(part);
  }
  const [only] = merged;
  if (merged.length === 1 && typeof only === "object") return sql`${only}::text`;
  let parts = merged.map((part) => (typeof part === "string" ? literal(part) : part));
  while (parts.length > 1) {
    const groups: Sql[] = [];
    for (let i = 0; i < parts.length; i += MAX_ARGUMENTS) {
      groups.push(sql`concat(${join(parts.slice(i, i + MAX_ARGUMENTS), ", ")})`);
    }
    parts = groups;
  }
  return parts[0] ?? literal("");
}
