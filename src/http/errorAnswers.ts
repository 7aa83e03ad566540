import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import { type Code, DomainError, Refusal, render, type Rendered } from "../errors";
import { extensionsOf } from "../graphql/formatError";
import { BODY_LIMIT } from "./bodies";

/** Logs the cause of an error whose caller gets only the request's ID. */
export function report(request: FastifyRequest, error: unknown): void {
  request.log.error({ err: error }, "request failed");
}

/**
 * Answers errors and unknown paths in the form of a GraphQL answer, so that every client finds the message
 * in the same place. A surface with another form sets its own handlers.
 */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((_request, reply) => {
    const message = "There is nothing here. GraphQL is at /graphql.";
    return sendError(Object.assign(new Error(message), { statusCode: 404 }), _request, reply);
  });
}

export function sendError(
  error: Partial<FastifyError>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const rendered = renderAnswer(error);
  if (rendered.internal) report(request, error);
  const { message, status, headers } = rendered;
  const extensions = extensionsOf(rendered, rendered.internal ? request.id : undefined);
  return reply.status(status).headers(headers).send(errorBody(message, extensions));
}

/** An error in the form of a GraphQL answer. */
export function errorBody(message: string, extensions: { code: Code }) {
  return { errors: [{ message, extensions }] };
}

/** An error for Apollo to answer with. */
export function asGraphQLError(error: unknown, request: FastifyRequest): GraphQLError {
  const rendered = render(error);
  if (rendered.internal) report(request, error);
  return new GraphQLError(rendered.message, {
    originalError: error as Error,
    extensions: {
      ...extensionsOf(rendered, rendered.internal ? request.id : undefined),
      http: { status: rendered.status },
    },
  });
}

/** Messages for errors of Fastify, by its code, which say what to do. */
const WORDS: Partial<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: `The body may have at most ${BODY_LIMIT} bytes.`,
  FST_ERR_BAD_URL: "The URL has a `%` that two hexadecimal digits don't follow.",
  FST_ERR_MAX_PARAM_LENGTH: "A part of the URL's path is too long.",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "Send JSON, with `content-type: application/json`.",
};

/** Error codes for errors of Fastify, by its code or by status. */
const CODES: Partial<Record<string | number, Code>> = {
  FST_ERR_BAD_URL: "BAD_REQUEST",
  404: "NOT_FOUND",
  405: "BAD_REQUEST",
  414: "BAD_REQUEST",
};

/** Renders an error. Those of Fastify, of a parser or of a hook have a status. */
function renderAnswer(error: Partial<FastifyError>): Rendered {
  const { statusCode: status = 500, code = "", message = "" } = error;
  if (error instanceof DomainError || status >= 500) return render(error);
  return {
    code: CODES[code] ?? CODES[status] ?? Refusal.BAD_USER_INPUT,
    message: WORDS[code] ?? message,
    field: null,
    details: status === 413 ? { limit: BODY_LIMIT } : {},
    status,
    headers: {},
    internal: false,
  };
}
