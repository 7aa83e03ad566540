import type { FieldNode } from "graphql";
import type { Filter } from "../database/firstRows";
import type { Sql } from "../database/sql";
import type { Principal } from "../principal";
import type { AdmittedCaller } from "./admittedCaller";

export type Args = Readonly<Record<string, unknown>>;

/** What one request brings to a plan. */
export interface Bindings {
  caller: AdmittedCaller;
  /** Arguments of each field that has any in the document. */
  args: ReadonlyMap<FieldNode, Args>;
  /** Filters of each page that has one. */
  filters: ReadonlyMap<FieldNode, Filter>;
}

/** Where a parameter's value comes from, for each request anew. */
export class Source {
  constructor(readonly read: (from: Bindings) => unknown) {}
}
export const source = (read: Source["read"]) => new Source(read);

/** What the principal says of themselves. */
export class Own extends Source {
  constructor(readonly property: keyof Principal) {
    super(({ caller }) => caller.principal[property]);
  }
}

/** One document as one prepared statement, for callers of one shape. */
export class Plan {
  readonly text: string;
  private readonly sources: readonly Source[];

  constructor(
    { texts, values }: Sql,
    private readonly checks: readonly ((from: Bindings) => boolean)[],
  ) {
    const sources: Source[] = [];
    let text = texts[0]!;
    values.forEach((value, i) => {
      // The same source is the same parameter, however often it is used.
      let at = value instanceof Source ? sources.indexOf(value) : -1;
      if (at < 0) at = sources.push(value instanceof Source ? value : source(() => value)) - 1;
      text += `$${at + 1}${texts[i + 1]!}`;
    });
    this.text = text;
    this.sources = sources;
  }

  /** The parameters of one request, or null where the executor has something to say. */
  values(from: Bindings): unknown[] | null {
    if (!this.checks.every((check) => check(from))) return null;
    return this.sources.map((one) => one.read(from));
  }
}

/** Whether two pieces are one and the same: equal text, the same sources, equal values. */
export function isSame(a: Sql, b: Sql): boolean {
  const equal = (one: unknown, other: unknown) =>
    one === other ||
    (Array.isArray(one) && Array.isArray(other) && JSON.stringify(one) === JSON.stringify(other));
  return a.text === b.text && a.values.every((value, i) => equal(value, b.values[i]));
}
