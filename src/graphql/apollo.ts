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
 * With one of these headers, a query may come by GET. A page of another site can send them only after a
 * preflight request (Fetch standard, section 3.3), which the server refuses.
 */
const PREFLIGHTED = ["authorization", "apollo-require-preflight", "x-apollo-operation-name"];

/** An Apollo server that sets every option that matters, so that NODE_ENV changes none. */
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
    // Without Apollo's pretty-printing, which makes answers a third longer.
    stringifyResult,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      // Apollo's own page for browsers loads scripts from another host.
      ApolloServerPluginLandingPageDisabled(),
      guard(questions),
      reading(questions),
    ],
  });
}

/** The data of a compiled answer, which is JSON already. */
class RawJson {
  constructor(readonly text: string) {}
}

function stringifyResult(result: { data?: unknown }): string {
  const { data, ...rest } = result;
  return data instanceof RawJson ? bodyOf(data.text, rest) : JSON.stringify(result);
}

/**
 * Answers a query by one statement where it compiles. The executor answers other queries, mutations, and
 * queries with an error, after the caller was verified.
 */
function reading(questions: Questions): ApolloServerPlugin<Context> {
  return {
    requestDidStart() {
      let refused = false;
      /** Makes an answer of a refusal: Apollo would make an internal error of what a hook throws. */
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
            // There is none for an unknown operationName, which Apollo refuses.
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
          // The caller is not verified yet where the request was refused before anything ran, or where
          // the caller was remembered. A caller who can't be verified gets that error and no other. A
          // compiled statement has verified the caller itself.
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

/** Sets the status and the headers of an error on an answer. */
function dress(http: HTTPGraphQLHead, error: unknown): void {
  const { status, headers } = render(error);
  http.status = status;
  for (const [name, value] of Object.entries(headers)) http.headers.set(name, value);
}

/**
 * Logs the causes that are hidden from the caller, who gets the request's ID. Returns the error of a
 * database that did not answer, if there is one.
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
  const message =
    "There are no subscriptions. To follow events, use `/accounts/:accountId/events?follow=true`.";
  return new GraphQLError(message, {
    extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
  });
}

/** Refuses a request that is too large, or has invalid input, before anything runs. */
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
          if (!operation) return Promise.resolve(); // Apollo refuses an unknown operationName
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
