import { ApolloServerErrorCode, unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { type Code, DomainError, render, type Rendered } from "../errors";
import { withoutValue } from "./inputs";

/** The causes that are hidden from callers, until they are logged. */
const causes = new WeakMap<GraphQLFormattedError, unknown>();

/** The hidden cause of an error in an answer; null if it has none, or was taken before. */
export function takeCause(shown: GraphQLFormattedError): { cause: unknown } | null {
  if (!causes.has(shown)) return null;
  const cause = causes.get(shown);
  causes.delete(shown);
  return { cause };
}

/** Formats an error for the answer. All errors that are bugs get the same message. */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const cause = causeOf(error);
  const { locations, path, extensions } = formatted;
  // A GraphQLError that Apollo gave this code is a bug. Its message quotes values of rows.
  const isBug = extensions?.["code"] === ApolloServerErrorCode.INTERNAL_SERVER_ERROR;
  if (cause instanceof GraphQLError && !isBug) {
    return { ...formatted, message: inOurWords(formatted.message) };
  }
  const rendered = render(cause);
  const shown = {
    message: rendered.message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: extensionsOf(rendered, extensions?.["requestId"]),
  };
  if (rendered.internal) causes.set(shown, cause);
  return shown;
}

/** The error that was thrown, without the GraphQLError around it. */
function causeOf(error: unknown): unknown {
  const thrown = unwrapResolverError(error);
  return thrown instanceof GraphQLError && thrown.originalError instanceof DomainError
    ? thrown.originalError
    : thrown;
}

/** The extensions of an error in `errors[]`, for every surface that answers in the form of GraphQL. */
export function extensionsOf(
  { code, field, details }: Rendered,
  requestId?: unknown,
): Record<string, unknown> & { code: Code } {
  return {
    code,
    ...(field && { field }),
    ...details,
    ...(requestId !== undefined && { requestId }),
  };
}

const SEND_A_QUERY =
  'Send a query by POST: `{"query": "{ … }"}` with the header `content-type: application/json`.';

/** Messages of Apollo, by their beginning, and ours, which say what to do. */
const WORDS: readonly [theirs: string, ours: string][] = [
  [
    "This operation has been blocked as a potential Cross-Site Request Forgery",
    `${SEND_A_QUERY} A GET without \`authorization\` needs the header \`apollo-require-preflight: true\`.`,
  ],
  ["POST body missing", SEND_A_QUERY],
  ["GraphQL operations must contain a non-empty `query`", SEND_A_QUERY],
  ["GraphQL queries must be strings", "`query` takes the text of a GraphQL document."],
  [
    "Apollo Server supports only GET/POST",
    "Send queries and mutations by POST, or a query by GET.",
  ],
  [
    "An 'accept' header was provided",
    "Send `accept: application/json` or `application/graphql-response+json`. There are no other answers.",
  ],
];

function inOurWords(message: string): string {
  const [, ours] = WORDS.find(([theirs]) => message.startsWith(theirs)) ?? [];
  return ours ?? withoutValue(message);
}
