import { DatabaseError, type Pool, type PoolClient } from "pg";
import type { DataSource } from "typeorm";
import { LooksTooFar, Unavailable } from "../errors";
import { LOOKED_ENOUGH } from "./firstRows";
import { CONNECTION_LASTS_MS } from "./dataSource";
import { StatementNames } from "./statementNames";
import { TextQuery } from "./textQuery";
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
  /** Runs a statement that none follows: if none came before either, it is a transaction by itself. */
  last(statement: Statement): Promise<void>;
}

/** The database as requests use it: prepared statements over TypeORM's own pool. */
export class Database implements Queryable {
  readonly table: <E extends object>(entity: Class<E>) => Table<E>;
  /** Told every statement: how tests count them. */
  observe?: (text: string) => void;
  private readonly pool: Pool;
  private readonly names = new StatementNames(MOST_NAMED, CONNECTION_LASTS_MS);
  private readonly readNames = new StatementNames(MOST_NAMED_READS, CONNECTION_LASTS_MS);

  constructor(private readonly dataSource: DataSource) {
    this.table = tablesOf(dataSource);
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  query<R extends object>(statement: Statement): Promise<R[]> {
    return this.run<R>(this.pool, statement);
  }

  /** Runs a statement whose text depends on what callers ask: there may be any number of them. */
  read<R extends object>(statement: Statement): Promise<R[]> {
    return this.run<R>(this.pool, statement, this.readNames);
  }

  /** The same of a statement that gives one text; null where it gives no row. */
  async readText({ text, values }: Statement): Promise<string | null> {
    this.observe?.(text);
    try {
      return await new TextQuery(this.readNames.of(text), text, values).on(this.pool);
    } catch (error) {
      throw translated(error);
    }
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
    try {
      const result = await work({
        query: async (statement) => {
          if (!begun) await this.command(client, "begin");
          begun = true;
          return this.run(client, statement);
        },
        last: async (statement) => void (await this.run(client, statement)),
      });
      if (begun) await this.command(client, "commit");
      return result;
    } catch (error) {
      // A connection that is away has rolled back by itself, and would only be waited for.
      if (error instanceof Unavailable) broken = error;
      else if (begun)
        await this.command(client, "rollback").catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.dataSource.destroy();
  }

  private async command(client: PoolClient, text: string): Promise<void> {
    this.observe?.(text);
    await client.query(text).catch((error: unknown) => {
      throw translated(error);
    });
  }

  private async run<R extends object>(
    on: Pool | PoolClient,
    statement: Statement,
    names = this.names,
  ): Promise<R[]> {
    const { text, values } = statement;
    this.observe?.(text);
    const name = names.of(text);
    try {
      const { rows } = await on.query<R>({
        text,
        values: values as unknown[],
        ...(name && { name }),
      });
      return rows;
    } catch (error) {
      throw translated(error);
    }
  }
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
