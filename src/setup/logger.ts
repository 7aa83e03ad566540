import { type DestinationStream, type Logger, pino } from "pino";

/** How many causes of causes are logged. */
const MOST_CAUSES = 3;

/** The log of a server: JSON lines, without documents, variables, secrets or parameters of statements. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => loggable(error) },
  };
  return destination ? pino(options, destination) : pino(options);
}

/**
 * What the log says of an error. Other properties may hold what must not be logged: a GraphQLError
 * has the document, errors of libraries have requests and answers.
 */
export function loggable(error: unknown, causes = MOST_CAUSES): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { name, stack = "", cause, originalError } = error as Error & { originalError?: unknown };
  const { code } = error as { code?: unknown };
  const below = cause ?? originalError;
  return {
    type: error.constructor.name || name,
    message: withoutValues(error),
    ...((typeof code === "string" || typeof code === "number") && { code }),
    // Its first lines are the message again.
    stack: stack
      .split("\n")
      .filter((line) => /^ {4}at /.test(line))
      .join("\n"),
    ...(below !== undefined && causes > 0 && { cause: loggable(below, causes - 1) }),
  };
}

/** SQLSTATE class 22, data exception: PostgreSQL quotes the value, which came as a parameter. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

function withoutValues(error: Error): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && DATA_EXCEPTION.test(code)) {
    return error.message.replace(/"[\s\S]*"/, '"…"');
  }
  // GraphQL quotes the value that a field or a variable can't have.
  return error.message.replace(/(cannot represent [^:]*): [\s\S]*$/, "$1.");
}
