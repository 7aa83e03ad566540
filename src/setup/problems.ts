import { CannotStart } from "./config";
import { EmbeddedUnavailable } from "../database/embedded/embedded";
import { MayNotMigrate } from "../database/migrate";
import { render, Unavailable } from "../errors";

/** SQLSTATE of a table or a column that does not exist. */
const OUTDATED = ["42P01", "42703"];

/**
 * The text of an error for the operator, at the command line and at the start. For an expected error it says
 * what to do. Any other error is a bug, and has its stack.
 */
export function problemOf(error: unknown): string {
  if (error instanceof Unavailable) {
    const reason = sentence(reasonOf(error));
    return `The database can't be used: ${reason} \`npm run gatehouse -- check\` says what to do.`;
  }
  if (OUTDATED.includes(String((error as { code?: unknown } | null)?.code))) {
    return "The database is not up to date. Run `npm run migrate` first.";
  }
  const { message, field, internal } = render(error);
  if (!internal) return field ? `--${field.join(".")}: ${message}` : message;
  const expected = [CannotStart, EmbeddedUnavailable, MayNotMigrate];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? error.stack! : String(error);
}

/** An error's message; the code of an error of Node's that has no message. */
export function reasonOf(error: unknown): string {
  const { message, code, cause } = error as NodeJS.ErrnoException;
  if (error instanceof Unavailable) return reasonOf(cause);
  return message || (code ?? String(error));
}

/** A message of another program, with a full stop. */
export const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
