import type { FieldNode } from "graphql";
import type { Sql } from "../database/sql";
import type { Known } from "./known";

export type Args = Readonly<Record<string, unknown>>;

/** What one request brings to a plan. */
export interface Bindings {
  caller: Known;
  /** Arguments of each field that has any in the document. */
  args: ReadonlyMap<FieldNode, Args>;
  /** Filters of each page that has one. */
  filters: ReadonlyMap<FieldNode, Sql>;
}

/** Where a parameter's value comes from, for each request anew. */
export class Source {
  constructor(readonly read: (from: Bindings) => unknown) {}
}
export const source = (read: Source["read"]) => new Source(read);

/** A statement whose parameters are read from each request. */
export class Statement {
  readonly text: string;
  private readonly sources: readonly Source[];

  constructor({ texts, values }: Sql) {
    const sources: Source[] = [];
    let text = texts[0]!;
    values.forEach((value, i) => {
      // The same source is the same parameter, however often it is used.
      let at = value instanceof Source ? sources.indexOf(value) : -1;
      if (at < 0) at = sources.push(value instanceof Source ? value : new Source(() => value)) - 1;
      text += `$${at + 1}${texts[i + 1]!}`;
    });
    this.text = text;
    this.sources = sources;
  }

  values(from: Bindings): unknown[] {
    return this.sources.map((one) => one.read(from));
  }
}
