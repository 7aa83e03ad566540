import type { FastifyInstance, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import { DomainError } from "../errors";
import { headersOf, statusOf } from "../graphql/formatError";
import { BODY_LIMIT } from "./bodies";

/** Tells the operator the cause of an error that the caller is only told of in general. */
export function report(request: FastifyRequest, error: unknown): void {
  request.log.error({ err: error }, "request failed");
}

/** Answers errors and unknown paths in the shape of a GraphQL answer, in a surface and all below it. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const status = error instanceof DomainError ? statusOf(error) : (error.statusCode ?? 500);
    if (status >= 500) report(request, error);
    return reply
      .status(status)
      .headers(headersOf(error))
      .send(errorBody(error, status, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new Error("There is nothing here. GraphQL is at /graphql.");
    return reply.status(404).send(errorBody(error, 404, request.id));
  });
}

/** An error as Apollo answers it, with its status. */
export function asGraphQLError(error: unknown, request: FastifyRequest): GraphQLError {
  const status = statusOf(error);
  if (status >= 500) report(request, error);
  const ours = error instanceof DomainError;
  return new GraphQLError(ours ? error.message : "Something went wrong.", {
    originalError: error as Error,
    extensions: {
      code: ours ? error.code : "INTERNAL_SERVER_ERROR",
      ...(status >= 500 && { requestId: request.id }),
      http: { status },
    },
  });
}

/** What Fastify refuses by itself, in words that say what to do. */
const SAID: Partial<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: `The body may have at most ${BODY_LIMIT} bytes.`,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "Send JSON, with `content-type: application/json`.",
};

/** The shape of a GraphQL answer, so that every client finds the message where it looks. */
export function errorBody(error: Error & { code?: string }, status: number, requestId: string) {
  const ours = error instanceof DomainError;
  const message =
    status >= 500 && !ours
      ? "Something went wrong."
      : ((error.code && SAID[error.code]) ?? error.message);
  const code = ours
    ? error.code
    : status >= 500
      ? "INTERNAL_SERVER_ERROR"
      : status === 404
        ? "NOT_FOUND"
        : "BAD_USER_INPUT";
  const extensions = {
    code,
    ...(ours && error.details),
    ...("field" in error && error.field ? { field: error.field } : {}),
    ...(status >= 500 && { requestId }),
    ...(status === 413 && { limit: BODY_LIMIT }),
  };
  return { errors: [{ message, extensions }] };
}
