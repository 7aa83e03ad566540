import { ApolloServerErrorCode, unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import {
  DomainError,
  Forbidden,
  NotFound,
  RateLimited,
  Refused,
  TakesTooLong,
  Unauthenticated,
  Unavailable,
} from "../errors";
import { withoutValue } from "./inputs";

/** The HTTP status of a request that got no further than saying who asks. */
export function statusOf(error: unknown): number {
  if (error instanceof Unauthenticated) return 401;
  if (error instanceof Forbidden) return 403;
  if (error instanceof NotFound) return 404;
  if (error instanceof Refused || error instanceof TakesTooLong) return 400;
  if (error instanceof RateLimited) return 429;
  if (error instanceof Unavailable) return 503;
  return 500;
}

/** The headers that belong to that status. */
export function headersOf(error: unknown): Record<string, string> {
  if (error instanceof Unauthenticated) return { "www-authenticate": "Bearer" };
  if (error instanceof RateLimited) return { "retry-after": String(error.details.retryAfter) };
  return {};
}

/** Says what was meant to be said; hides everything else behind one message. */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const unwrapped = unwrapResolverError(error);
  const cause =
    unwrapped instanceof GraphQLError && unwrapped.originalError instanceof DomainError
      ? unwrapped.originalError
      : unwrapped;
  const requestId = formatted.extensions?.["requestId"];
  const withId = requestId === undefined ? {} : { requestId };
  const place = {
    ...(formatted.locations && { locations: formatted.locations }),
    ...(formatted.path && { path: formatted.path }),
  };
  if (cause instanceof DomainError) {
    return {
      message: cause.message,
      ...place,
      extensions: {
        code: cause.code,
        ...("field" in cause && cause.field ? { field: cause.field } : {}),
        ...cause.details,
        ...withId,
      },
    };
  }
  const isOurs = !(cause instanceof GraphQLError) || isUnexpected(formatted);
  if (!isOurs) return { ...formatted, message: withoutValue(formatted.message) };
  return { message: "Something went wrong.", ...place, extensions: { code: INTERNAL, ...withId } };
}

/** Whether an error is a bug of ours, to be logged with its stack. */
export function isBug(error: GraphQLError): boolean {
  const cause = unwrapResolverError(error);
  if (cause instanceof DomainError) return cause instanceof Unavailable;
  return !(cause instanceof GraphQLError) || error.extensions.code === INTERNAL;
}

const INTERNAL = ApolloServerErrorCode.INTERNAL_SERVER_ERROR;
const isUnexpected = ({ extensions }: GraphQLFormattedError) => extensions?.code === INTERNAL;
