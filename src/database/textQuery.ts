import type { Connection, Pool } from "pg";
import { prepareValue } from "pg/lib/utils";

/** What queries may look at of a connection, which its types leave out. */
interface Preparing extends Connection {
  /** By name, and by name those whose parsing has not been confirmed yet. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements: Record<string, string>;
}
/** A pool takes a query with a callback, which its types leave out. */
interface Asked {
  query(query: TextQuery, values: undefined, done: Done): void;
}
type Done = (error: Error | undefined, text: string | null) => void;

/**
 * A statement that gives one text or no row. pg's own `Query` has PostgreSQL describe each result,
 * and makes an object of each row by that description: a tenth of node's time for a short answer.
 */
export class TextQuery {
  /** Set by pg, which wraps it in a timeout. */
  callback!: Done;
  private found: string | null = null;

  constructor(
    private readonly name: string | undefined,
    private readonly text: string,
    private readonly values: readonly unknown[],
  ) {}

  on(pool: Pool): Promise<string | null> {
    return new Promise((resolve, reject) => {
      (pool as unknown as Asked).query(this, undefined, (error, text) => {
        if (error) reject(error);
        else resolve(text);
      });
    });
  }

  submit(connection: Preparing): void {
    const { name = "", text, values } = this;
    const { stream, parsedStatements, submittedNamedStatements } = connection;
    stream.cork(); // one write for all of it
    try {
      if (!name || !(name in parsedStatements || name in submittedNamedStatements)) {
        connection.parse({ name, text, types: [] }, true);
        if (name) submittedNamedStatements[name] = text;
      }
      const given = values as string[];
      connection.bind({ statement: name, values: given, valueMapper: prepareValue }, true);
      connection.execute({}, true);
      connection.sync();
    } finally {
      stream.uncork();
    }
  }

  handleDataRow({ fields: [text] }: { fields: (string | null)[] }): void {
    this.found = text ?? null;
  }

  handleCommandComplete(): void {
    // The connection is ready for another only after this.
  }

  handleReadyForQuery(): void {
    this.callback(undefined, this.found);
  }

  handleError(error: Error): void {
    this.callback(error, null);
  }
}
