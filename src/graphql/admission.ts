import {
  type DocumentNode,
  getOperationAST,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
} from "graphql";
import type { Context } from "../context/context";
import type { Reads } from "../reads/reads";
import { InputCheck } from "./inputs";
import { assertWithin, type Limits, sizeOf } from "./limits";

const MAX_TEXTS = 1_000;
const MAX_TEXT_LENGTH = 10_000;
const MAX_ACCEPTS = 100;

/** A GraphQL request over POST, its shape checked. */
export interface Question {
  query: string;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
}

/** Sets what was longest in it aside for what is new. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  if (map.size >= most && !map.has(key)) map.delete(map.keys().next().value!);
  map.set(key, value);
}

/** What may be asked at all, and the questions that compiled reads answer. */
export class Questions {
  private readonly inputs: InputCheck;
  /** Documents that were answered before, for as long as Apollo remembers them, by their text. */
  private readonly documents = new Map<string, WeakRef<DocumentNode>>();
  /** The Content-Type that Apollo chose for each Accept. */
  private readonly types = new Map<string, string>();
  /** What became of requests that were tried ahead: Apollo does not try them again. */
  private readonly tried = new WeakMap<Context["request"], Promise<string | null>>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly limits: Limits,
    private readonly reads: Reads | null,
  ) {
    this.inputs = new InputCheck(schema);
  }

  /**
   * What an operation of a validated document costs with these variables.
   *
   * @throws GraphQLError for what is too large, or can't be meant.
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

  /** The `data` of an operation that was admitted, as JSON text; null for its resolvers to answer. */
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
      keep(this.documents, query, new WeakRef(document), MAX_TEXTS);
    }
    return data;
  }

  /** What Apollo knows of a question that it answered before, and how it would send the answer. */
  known({ query, operationName }: Question, accept = ""): Known | null {
    const document = this.documents.get(query)?.deref();
    const type = this.types.get(accept);
    const operation = document && getOperationAST(document, operationName);
    return type && operation ? { document, operation, type } : null;
  }

  /** Apollo answered a request with this Accept by this Content-Type. */
  sent(accept = "", type: string): void {
    keep(this.types, accept, type, MAX_ACCEPTS);
  }

  /** The whole body of an answer without Apollo's help; null for whatever it has to say. */
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

  /** What an answer says besides its data: what the question cost, and what the gate warns of. */
  extensions(cost: number, { warnings }: Context["request"]) {
    const told = { cost: { requested: cost, limit: this.limits.maxCost } };
    return warnings?.length ? { ...told, warnings } : told;
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
