import {
  ApolloServer,
  type ApolloServerOptionsWithSchema,
  type ApolloServerPlugin,
  type GraphQLResponse,
  type HTTPGraphQLHead,
} from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import {
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  OperationTypeNode,
} from "graphql";
import type { Context } from "../context/context";
import { render, Unavailable } from "../errors";
import { documentStore } from "./documents";
import { formatError, takeCause } from "./formatError";
import { bodyOf, type Questions } from "./admission";

const MAX_TOKENS = 2_000;
/**
 * With one of these a query may come by GET: a page of another site can't send them without asking
 * first (Fetch standard, section 3.3), and is refused then.
 */
const PREFLIGHTED = ["authorization", "apollo-require-preflight", "x-apollo-operation-name"];

/** Apollo with every default that matters said aloud, so that NODE_ENV changes none of them. */
export function apolloServer(
  schema: GraphQLSchema,
  questions: Questions,
  logger: NonNullable<ApolloServerOptionsWithSchema<Context>["logger"]>,
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    formatError,
    logger,
    introspection: true,
    csrfPrevention: { requestHeaders: PREFLIGHTED },
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    documentStore: documentStore(),
    maxRecursiveSelections: 20_000,
    // Pretty-printing made a third more to send.
    stringifyResult,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      // Apollo's own page for browsers loads scripts of another host.
      ApolloServerPluginLandingPageDisabled(),
      guard(questions),
      reading(questions),
    ],
  });
}

/** A compiled answer is JSON already. */
class RawJson {
  constructor(readonly text: string) {}
}

function stringifyResult(result: { data?: unknown }): string {
  const { data, ...rest } = result;
  return data instanceof RawJson ? bodyOf(data.text, rest) : JSON.stringify(result);
}

/**
 * Answers queries by one statement where they compile. Whatever is left over, and whatever would
 * be an error, is for the executor, once it is certain who asks.
 */
function reading(questions: Questions): ApolloServerPlugin<Context> {
  return {
    requestDidStart() {
      let refused = false;
      /** What a hook throws becomes an internal error without a place, so a refusal is an answer. */
      const refuse = (error: unknown, ctx: Context, http: HTTPGraphQLHead): GraphQLResponse => {
        refused = true;
        dress(http, error);
        const shown = formatError({ message: "" }, error);
        reportCauses([shown], ctx);
        return { http, body: { kind: "single", singleResult: { errors: [shown] } } };
      };
      return Promise.resolve({
        async responseForOperation({ document, operation, request, contextValue: ctx, response }) {
          const { http } = response;
          try {
            const { query, variables = {} } = request;
            // An unknown operationName leaves none: Apollo says so.
            const data =
              (operation as unknown) &&
              (await questions.answer(query, document, operation, variables, ctx));
            if (typeof data === "string") {
              const singleResult = { data: new RawJson(data) as never };
              return { http, body: { kind: "single", singleResult } };
            }
            const isMutation =
              (operation as unknown) && operation.operation === OperationTypeNode.MUTATION;
            if (!isMutation || !ctx.assume()) await ctx.prove();
            return null;
          } catch (error) {
            return refuse(error, ctx, http);
          }
        },
        async willSendResponse({ response, contextValue: ctx }) {
          // Refused before anything ran, or by what took the caller for who they were: a caller who may
          // not ask at all is told that first. What a statement read as data has verified them.
          const { body, http } = response;
          if (refused || !ctx.unproven || body.kind !== "single") return;
          if (body.singleResult.data instanceof RawJson) return;
          try {
            await ctx.prove();
          } catch (error) {
            response.body = refuse(error, ctx, http).body;
          }
        },
      });
    },
  };
}

/** Gives an answer the status and the headers of an error. */
function dress(http: HTTPGraphQLHead, error: unknown): void {
  const { status, headers } = render(error);
  http.status = status;
  for (const [name, value] of Object.entries(headers)) http.headers.set(name, value);
}

/**
 * Logs what errors hide from the caller, who gets the request's ID. Returns what says that the
 * database was away, if it was.
 */
function reportCauses(errors: readonly GraphQLFormattedError[], ctx: Context): Unavailable | null {
  let away: Unavailable | null = null;
  for (const shown of errors) {
    const hidden = takeCause(shown);
    if (!hidden) continue;
    shown.extensions!["requestId"] = ctx.request.id;
    ctx.report(hidden.cause);
    if (hidden.cause instanceof Unavailable) away ??= hidden.cause;
  }
  return away;
}

function noSubscriptions(): GraphQLError {
  const message = "There are no subscriptions. Follow `/accounts/:accountId/events?follow=true`.";
  return new GraphQLError(message, {
    extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
  });
}

/** What is too large or can't be meant is refused before anything runs. */
function guard(questions: Questions): ApolloServerPlugin<Context> {
  return {
    unexpectedErrorProcessingRequest({ requestContext, error }) {
      requestContext.contextValue.report(error);
      return Promise.resolve();
    },
    requestDidStart() {
      let cost = 0;
      return Promise.resolve({
        didResolveOperation({ document, operation, request: { variables = {} } }) {
          if (!operation) return Promise.resolve(); // an unknown operationName: Apollo says so
          if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw noSubscriptions();
          cost = questions.admit(document, operation, variables);
          return Promise.resolve();
        },
        willSendResponse({ response: { body, http }, contextValue: ctx }) {
          if (body.kind !== "single") return Promise.resolve();
          const { singleResult } = body;
          const { errors = [] } = singleResult;
          const away = reportCauses(errors, ctx);
          if (away) dress(http, away);
          for (const { extensions } of errors) {
            if (extensions?.["code"] === "PERSISTED_QUERY_NOT_SUPPORTED") http.status = 400;
          }
          if (singleResult.data !== undefined) {
            singleResult.extensions = questions.extensions(cost, ctx.request);
          }
          return Promise.resolve();
        },
      });
    },
  };
}
