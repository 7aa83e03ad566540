import { type Connection, type Pool, type PoolClient, type QueryResult, types } from "pg";
import Result from "pg/lib/result";
import { prepareValue } from "pg/lib/utils";

/** What a query may look at of a connection, which its types leave out. */
interface Preparing extends Connection {
  /** By name, and by name those whose parsing has not been confirmed yet. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements: Record<string, string>;
}
/** A pool and a client take a query with a callback, which their types leave out. */
interface Asked {
  query(query: Flight, values: undefined, done: (error?: Error) => void): void;
}

export interface Sent {
  readonly text: string;
  readonly values: readonly unknown[];
  /** What it is prepared under, if it is. */
  readonly name?: string | undefined;
  /**
   * Whether PostgreSQL describes the columns, by which rows become objects; else a row is what it sent.
   * For a short answer the description is a tenth of node's time.
   */
  readonly described: boolean;
}

/** The rows of a statement, and what PostgreSQL says it did: `SELECT`, `COMMIT`. */
export type Answer = Pick<QueryResult<object>, "rows" | "command">;

/**
 * Statements that go out in one write and whose answers come back together, so that several cost node
 * as many system calls as one. PostgreSQL runs them in order, each on what those before it did, and
 * skips what follows one that fails
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
 *
 * pg's own `Query` is one statement, and its pipeline mode writes and reads each by itself.
 */
export class Flight {
  /** Set by pg, which wraps it in a timeout. */
  callback!: (error?: Error) => void;
  private readonly answers: Result[];
  private readonly values: (Buffer | string | null)[][];
  /** Which statement is being answered. */
  private current = 0;
  /** Why a row could not be read. PostgreSQL goes on answering, so it is thrown at the end. */
  private unreadable: Error | undefined;

  constructor(private readonly statements: readonly Sent[]) {
    this.answers = statements.map(() => new Result(undefined, types));
    // Before anything is sent: a value that can't be must not leave half of a flight at the server.
    this.values = statements.map(({ values }) => values.map(prepareValue));
  }

  /** The answers in the order of the statements. */
  on(where: Pool | PoolClient): Promise<Answer[]> {
    return new Promise((resolve, reject) => {
      (where as unknown as Asked).query(this, undefined, (error) => {
        if (error) reject(error);
        else resolve(this.answers);
      });
    });
  }

  /** pg keeps the text that was parsed under a name, and asks here for both. */
  get name(): string | undefined {
    return this.statements[this.current]?.name;
  }
  get text(): string | undefined {
    return this.statements[this.current]?.text;
  }

  submit(connection: Preparing): void {
    const { stream, parsedStatements: parsed, submittedNamedStatements: submitted } = connection;
    stream.cork();
    this.statements.forEach(({ name = "", text, described }, i) => {
      if (!name || !(name in parsed || name in submitted)) {
        connection.parse({ name, text, types: [] }, true);
        if (name) submitted[name] = text;
      }
      connection.bind({ statement: name, values: this.values[i] as string[] }, true);
      if (described) connection.describe({ type: "P", name: "" }, true);
      connection.execute({}, true);
    });
    connection.sync();
    stream.uncork();
  }

  handleRowDescription({ fields }: { fields: unknown[] }): void {
    this.answers[this.current]!.addFields(fields);
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const answer = this.answers[this.current]!;
    const { described } = this.statements[this.current]!;
    try {
      answer.addRow(described ? answer.parseRow(fields) : fields);
    } catch (error) {
      this.unreadable ??= error as Error;
    }
  }

  handleCommandComplete(message: { text: string }): void {
    this.answers[this.current++]!.addCommandComplete(message);
  }

  handleReadyForQuery(): void {
    this.callback(this.unreadable);
  }

  handleError(error: Error, { submittedNamedStatements: submitted }: Preparing): void {
    // Those after it were skipped, so their names are still free.
    for (const { name } of this.statements.slice(this.current)) if (name) delete submitted[name];
    this.callback(error);
  }
}
