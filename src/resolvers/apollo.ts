import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginCacheControlDisabled } from "@apollo/server/plugin/disabled";
import { GraphQLError, type GraphQLSchema, OperationTypeNode } from "graphql";
import type { Logger } from "pino";
import type { Context } from "../context";
import { Unavailable } from "../errors";
import { formatError, isBug } from "./formatError";
import { InputCheck } from "./inputs";
import { assertWithin, type Limits, measure } from "./limits";

const MAX_TOKENS = 2_000;

/** Apollo with every default that matters said aloud, so that NODE_ENV changes none of them. */
export function apolloServer(
  schema: GraphQLSchema,
  limits: Limits,
  logger: Logger,
): ApolloServer<Context> {
  return new ApolloServer<Context>({
    schema,
    formatError,
    logger,
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    maxRecursiveSelections: 20_000,
    // Pretty-printing made a third more to send.
    stringifyResult: (result) => JSON.stringify(result),
    plugins: [ApolloServerPluginCacheControlDisabled(), guard(schema, limits)],
  });
}

function noSubscriptions(): GraphQLError {
  const message = "There are no subscriptions. Follow `/accounts/:accountId/events?follow=true`.";
  return new GraphQLError(message, {
    extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
  });
}

/** What is too large or can't be meant is refused before anything runs. */
function guard(schema: GraphQLSchema, limits: Limits): ApolloServerPlugin<Context> {
  const inputs = new InputCheck(schema);
  return {
    requestDidStart() {
      let cost = 0;
      return Promise.resolve({
        didResolveOperation({ document, operation, request: { variables = {} } }) {
          if (!operation) return Promise.resolve(); // an unknown operationName: Apollo says so
          if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw noSubscriptions();
          const size = measure(schema, document, operation, variables);
          cost = size.cost;
          assertWithin(size, limits);
          inputs.check(document, operation, variables);
          return Promise.resolve();
        },
        didEncounterErrors({ errors, contextValue, response }) {
          const unavailable = errors.some((error) => error.originalError instanceof Unavailable);
          if (unavailable) response.http.status = 503;
          for (const error of errors) {
            if (isBug(error)) contextValue.report(error.originalError ?? error);
          }
          return Promise.resolve();
        },
        willSendResponse({ response: { body, http }, contextValue }) {
          if (body.kind !== "single") return Promise.resolve();
          const { singleResult } = body;
          for (const { extensions } of singleResult.errors ?? []) {
            if (extensions?.["code"] === "PERSISTED_QUERY_NOT_SUPPORTED") http.status = 400;
            if (extensions?.["code"] === "INTERNAL_SERVER_ERROR") {
              extensions["requestId"] = contextValue.request.id;
            }
          }
          if (singleResult.data !== undefined) {
            singleResult.extensions = { cost: { requested: cost, limit: limits.maxCost } };
          }
          return Promise.resolve();
        },
      });
    },
  };
}
