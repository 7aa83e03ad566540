import { DatabaseError, type Pool, type PoolClient } from "pg";
import type { DataSource } from "typeorm";
import { LooksTooFar, Unavailable } from "../errors";
import { LOOKED_ENOUGH } from "./firstRows";
import { CONNECTION_LASTS_MS } from "./dataSource";
import { type Answer, Flight, type Sent } from "./flight";
import { StatementNames } from "./statementNames";
import type { Sql } from "./sql";
import { type Class, type Table, tablesOf } from "./table";

/**
 * A prepared statement takes PostgreSQL some 130 times its length on each connection, so they are
 * bounded; and apart, since there are any number of documents, and authenticating must not wait
 * for a name.
 */
const MOST_NAMED = { names: 100, characters: 100_000 };
const MOST_NAMED_READS = { names: 200, characters: 250_000 };

/** A statement as PostgreSQL takes it: pieces put together, or a plan made before. */
export type Statement = Pick<Sql, "text" | "values">;

/** What can run a statement: the pool, or one connection inside a transaction. */
export interface Queryable {
  query<R extends object>(statement: Statement): Promise<R[]>;
}

/** A connection inside a transaction. */
export interface TransactionConnection extends Queryable {
  /** Runs statements one after another, sent and answered together. */
  together(statements: readonly Statement[]): Promise<object[][]>;
  /** Runs a statement that none follows: with the commit, or by itself where none came before. */
  last(statement: Statement): Promise<void>;
}

const command = (text: string): Sent => ({ text, name: text, values: [], described: false });
const BEGIN = command("begin");
const COMMIT = command("commit");
const ROLLBACK = command("rollback");

/** The database as requests use it: prepared statements over TypeORM's own pool. */
export class Database implements Queryable {
  readonly table: <E extends object>(entity: Class<E>) => Table<E>;
  /** Gets every statement, and its place in its flight: how tests count both. */
  observe?: (text: string, place: number) => void;
  private readonly pool: Pool;
  private readonly names = new StatementNames(MOST_NAMED, CONNECTION_LASTS_MS);
  private readonly readNames = new StatementNames(MOST_NAMED_READS, CONNECTION_LASTS_MS);

  constructor(private readonly dataSource: DataSource) {
    this.table = tablesOf(dataSource);
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  async query<R extends object>(statement: Statement): Promise<R[]> {
    const [answer] = await this.send(this.pool, [this.named(statement)]);
    return answer!.rows as R[];
  }

  /** Runs a statement whose text depends on what callers ask: there may be any number of them. */
  async read<R extends object>(statement: Statement): Promise<R[]> {
    const [answer] = await this.send(this.pool, [this.named(statement, this.readNames)]);
    return answer!.rows as R[];
  }

  /** The same of a statement that gives one text; null where it gives no row. */
  async readText(statement: Statement): Promise<string | null> {
    const undescribed = { ...this.named(statement, this.readNames), described: false };
    const [answer] = await this.send(this.pool, [undescribed]);
    const [row] = answer!.rows as (string | null)[][];
    return row?.[0] ?? null;
  }

  /** Runs work on one connection between BEGIN and COMMIT, or ROLLBACK if it throws. */
  async transaction<T>(work: (connection: TransactionConnection) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch((error: unknown) => {
      throw new Unavailable(error);
    });
    // An error outside a query (the server ended the connection) must not end the process: the
    // next query on this client fails, and that is where it is handled.
    const ignore = () => undefined;
    client.on("error", ignore);
    let broken: Error | undefined;
    let begun = false;
    let ended = false;
    const together = async (statements: readonly Statement[], end = false) => {
      const asked = statements.map((statement) => this.named(statement));
      const opening = begun ? [] : [BEGIN];
      begun = true;
      const closing = end ? [COMMIT] : [];
      const answers = await this.send(client, [...opening, ...asked, ...closing]);
      if (end) assertCommitted(answers.at(-1)!);
      ended = end;
      return answers.slice(opening.length, opening.length + asked.length).map(({ rows }) => rows);
    };
    try {
      const result = await work({
        together,
        query: async <R extends object>(statement: Statement) => {
          const [rows] = await together([statement]);
          return rows as R[];
        },
        last: async (statement) => {
          if (begun) await together([statement], true);
          else await this.send(client, [this.named(statement)]);
        },
      });
      if (begun && !ended) await together([], true);
      return result;
    } catch (error) {
      // A connection that is away has rolled back by itself, and would only be waited for.
      if (error instanceof Unavailable) broken = error;
      else if (begun && !ended)
        await this.send(client, [ROLLBACK]).catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.dataSource.destroy();
  }

  private named({ text, values }: Statement, names = this.names): Sent {
    return { text, values, name: names.of(text), described: true };
  }

  private async send(on: Pool | PoolClient, statements: readonly Sent[]): Promise<Answer[]> {
    statements.forEach(({ text }, place) => this.observe?.(text, place));
    try {
      return await new Flight(statements).on(on);
    } catch (error) {
      throw translated(error);
    }
  }
}

/** A transaction in which a statement failed rolls back on `commit`, and answers so without an error. */
function assertCommitted({ command }: Answer): void {
  if (command !== "COMMIT") throw new Error(`The transaction ended with ${command}`);
}

/**
 * Tells a database that is away from a statement that is wrong: SQLSTATE class 08 (connection),
 * 57P01 to 57P03 (shutting down, starting up) and 53300 (too many connections), or whatever
 * else than an answer of the server ends a query.
 */
function translated(error: unknown): unknown {
  if (error instanceof TypeError) return error;
  // They quote whole rows, hashes included, and errors end up in the log.
  if (error instanceof DatabaseError) error.detail = error.where = undefined;
  if (error instanceof DatabaseError && error.code === LOOKED_ENOUGH) return new LooksTooFar(error);
  const answered = error instanceof DatabaseError && !/^(08|57P0|53300)/.test(error.code ?? "");
  return answered ? error : new Unavailable(error);
}
