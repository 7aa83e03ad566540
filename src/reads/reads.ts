import { type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from "graphql";
import { LRUCache } from "lru-cache";
import type { RememberedCaller } from "../context/rememberedCaller";
import { warn } from "../policies/gate";
import type { Warning } from "../principal";
import type { Database } from "../database/database";
import { DomainError, TakesTooLong } from "../errors";
import type { Relations, Tables, Variables } from "./compiler";
import { admit, type AdmittedCaller, type RequestToAdmit } from "./admittedCaller";
import { newPlans, Reading } from "./reading";
import { relations } from "./relations";
import { fixed } from "./relationKinds";

/** Accounts of all callers who are remembered, and each once more. */
const MOST_KNOWN = 20_000;
const MAX_REASONS = 100;
/** SQLSTATE query_canceled: the statement's time is over. */
const CANCELED = "57014";

/** What became of a read. */
export type Outcome =
  /** The answer's `data`, as JSON text. */
  | { data: string; warnings: Warning[] }
  /** The caller is no longer as they were known: authenticate, and ask again. */
  | "changed"
  /** Its resolvers have to answer. */
  | "left";

/** A request, as far as reads look at it. */
interface Asking extends RequestToAdmit {
  /** The caller, in a form that a statement verifies. */
  verifiable(): Promise<RememberedCaller | null>;
  /** Finds out who asks now. */
  prove(): Promise<void>;
  /** Called when the statement has verified them. */
  used(caller: RememberedCaller): void;
  /** Logs a bug of ours that the caller does not notice: its resolvers answer. */
  report(error: unknown): void;
}

const keyOf = (tokenHash: Buffer) => tokenHash.toString("latin1");

/** Reads of this server: what is known of callers and documents, all of it bounded. */
export class Reads {
  /** Why documents were left to their resolvers, and how often. */
  readonly left = new Map<string, number>();
  private readonly callers = new LRUCache<string, RememberedCaller>({
    maxSize: MOST_KNOWN,
    sizeCalculation: ({ standings }) => 1 + standings.length,
  });
  private readonly plans = newPlans();
  /** As long as Apollo remembers a document; by operation, where it has several. */
  private readonly readings = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Reading>>();
  private readonly tables: Tables;
  private readonly relations: Relations;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly db: Database,
    /** Those that the server is configured with. */
    socialProviders: readonly object[] = [],
  ) {
    this.tables = db.table;
    const Query = { ...relations.Query, socialProviders: fixed(socialProviders) };
    this.relations = { ...relations, Query };
  }

  /** The caller who had this token the last time: a guess, which every statement verifies. */
  recall(tokenHash: Buffer): RememberedCaller | undefined {
    return this.callers.get(keyOf(tokenHash));
  }

  /** Keeps a caller who was just authenticated, for the next time that their token comes. */
  remember(known: RememberedCaller): void {
    const key = keyOf(known.tokenHash);
    if (this.callers.get(key) === known) return;
    this.callers.set(key, known);
  }

  /**
   * The `data` of a validated query as JSON text, by one statement in which the caller is
   * verified; null where its resolvers have to answer.
   *
   * @throws whatever authenticating throws, where the caller isn't who they were.
   */
  async answer(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    asking: Asking,
  ): Promise<string | null> {
    for (let tries = 0; tries < 2; tries++) {
      const caller = await asking.verifiable();
      if (!caller) return null;
      this.remember(caller);
      const admitted = admit(caller, asking);
      const report = (error: unknown) => asking.report(error);
      const outcome = await this.read(document, operation, variables, admitted, report);
      if (outcome === "left") return null;
      if (outcome !== "changed") {
        asking.used(caller);
        warn(asking.request, outcome.warnings);
        return outcome.data;
      }
      this.callers.delete(keyOf(caller.tokenHash));
      await asking.prove();
    }
    return null;
  }

  /** Answers by one statement, for a caller who may have changed since they were known. */
  async read(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    caller: AdmittedCaller,
    report: Asking["report"] = () => undefined,
  ): Promise<Outcome> {
    const bound = this.reading(document, operation).bind(caller, variables);
    if (typeof bound === "string") return this.leave(bound);
    try {
      const data = await this.db.readText(bound);
      return data === null ? "changed" : { data, warnings: bound.warnings };
    } catch (error) {
      const code = (error as { code?: string }).code ?? "";
      // Trying it again by its resolvers would only double the load.
      if (code === CANCELED) throw new TakesTooLong(error);
      if (error instanceof DomainError) throw error;
      // Whatever else the database objects to, the executor finds out how to say it.
      const why = `SQL error ${code}`;
      // Once: a client that asks again would fill the log.
      if (!this.left.has(why)) report(error);
      return this.leave(why);
    }
  }

  private reading(document: DocumentNode, operation: OperationDefinitionNode): Reading {
    let readings = this.readings.get(document);
    if (!readings) this.readings.set(document, (readings = new Map<never, Reading>()));
    let reading = readings.get(operation);
    if (!reading) {
      const { schema, relations, tables, plans } = this;
      reading = new Reading(schema, relations, tables, document, operation, plans);
      readings.set(operation, reading);
    }
    return reading;
  }

  /** Why queries were left to their resolvers since the last time, and how often; null for none. */
  takeLeft(): Record<string, number> | null {
    if (this.left.size === 0) return null;
    const left = Object.fromEntries(this.left);
    this.left.clear();
    return left;
  }

  private leave(why: string): "left" {
    if (this.left.size < MAX_REASONS || this.left.has(why)) {
      this.left.set(why, (this.left.get(why) ?? 0) + 1);
    }
    return "left";
  }
}
