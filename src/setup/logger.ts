import { type DestinationStream, type Logger, pino } from "pino";

/** How many causes of an error are logged, each the cause of the one before. */
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
 * What is logged of an error. Its other properties may hold secrets: a GraphQLError has the document, and
 * errors of libraries have requests and answers.
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
    // Without the first lines of the stack, which repeat the message.
    stack: stack
      .split("\n")
      .filter((line) => /^ {4}at /.test(line))
      .join("\n"),
    ...(below !== undefined && causes > 0 && { cause: loggable(below, causes - 1) }),
  };
}

/** SQLSTATE class 22, data exception: PostgreSQL's message quotes the value of a parameter. */
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

function withoutValues(error: Error): string {
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && DATA_EXCEPTION.test(code)) {
    return error.message.replace(/"[\s\S]*"/, '"…"');
  }
  // GraphQL's message quotes the value that a field or a variable can't have.
  return error.message.replace(/(cannot represent [^:]*): [\s\S]*$/, "$1.");
}
