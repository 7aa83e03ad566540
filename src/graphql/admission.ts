import {
  type DocumentNode,
  getOperationAST,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
} from "graphql";
import { LRUCache } from "lru-cache";
import type { Context } from "../context/context";
import type { Reads } from "../reads/reads";
import { InputCheck } from "./inputs";
import { assertWithin, type Limits, sizeOf } from "./limits";

const MAX_TEXTS = 1_000;
const MAX_TEXT_LENGTH = 10_000;
const MAX_ACCEPTS = 100;

/** A GraphQL request by POST whose form was checked. */
export interface Question {
  query: string;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
}

/** Decides which requests run, and answers those that compiled reads can answer. */
export class Questions {
  private readonly inputs: InputCheck;
  /** Documents that were answered before, by their text, while Apollo has them in its cache. */
  private readonly documents = new LRUCache<string, WeakRef<DocumentNode>>({
    max: MAX_TEXTS,
  });
  /** The Content-Type that Apollo has chosen for each Accept. */
  private readonly types = new LRUCache<string, string>({ max: MAX_ACCEPTS });
  /** The results of `answerAhead`, so that Apollo does not read the same again. */
  private readonly tried = new WeakMap<Context["request"], Promise<string | null>>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly limits: Limits,
    private readonly reads: Reads | null,
  ) {
    this.inputs = new InputCheck(schema);
  }

  /**
   * The cost of an operation of a validated document, with these variables.
   *
   * @throws GraphQLError for an operation that is too large, and for invalid input.
   */
  admit(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
  ): number {
    const size = sizeOf(this.schema, document, operation, variables);
    assertWithin(size, this.limits);
    this.inputs.check(document, operation, variables);
    return size.cost;
  }

  /** The `data` of an admitted operation, as JSON; null where its resolvers have to answer. */
  async answer(
    query: string | undefined,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    ctx: Context,
  ): Promise<string | null> {
    const tried = this.tried.get(ctx.request);
    if (tried) return tried;
    if (!this.reads || operation.operation !== OperationTypeNode.QUERY) return null;
    const data = await this.reads.answer(document, operation, variables, ctx);
    if (data !== null && query !== undefined && query.length <= MAX_TEXT_LENGTH) {
      this.documents.set(query, new WeakRef(document));
    }
    return data;
  }

  /** What Apollo would use for a request like one that it answered before; null for any other. */
  known({ query, operationName }: Question, accept = ""): Known | null {
    const document = this.documents.get(query)?.deref();
    const type = this.types.get(accept);
    const operation = document && getOperationAST(document, operationName);
    return type && operation ? { document, operation, type } : null;
  }

  /** Notes the Content-Type with which Apollo has answered a request with this Accept. */
  sent(accept = "", type: string): void {
    this.types.set(accept, type);
  }

  /** The body of an answer without Apollo; null where Apollo has to answer, as with an error. */
  async answerAhead(
    { document, operation }: Known,
    variables: Record<string, unknown>,
    ctx: Context,
  ): Promise<string | null> {
    try {
      const cost = this.admit(document, operation, variables);
      const trying = this.answer(undefined, document, operation, variables, ctx);
      this.tried.set(ctx.request, trying);
      const data = await trying;
      return data && bodyOf(data, { extensions: this.extensions(cost, ctx.request) });
    } catch {
      return null;
    }
  }

  /** The extensions of an answer: the cost of the request, and the warnings of the gate. */
  extensions(cost: number, { warnings }: Context["request"]) {
    const always = { cost: { requested: cost, limit: this.limits.maxCost } };
    return warnings?.length ? { ...always, warnings } : always;
  }
}

interface Known {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  type: string;
}

/** A GraphQL answer whose `data` is JSON text already. */
export function bodyOf(data: string, rest: object): string {
  const more = JSON.stringify(rest);
  return `{"data":${data}${more === "{}" ? more.slice(1) : `,${more.slice(1)}`}`;
}
