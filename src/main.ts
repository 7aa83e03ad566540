import "reflect-metadata";
import { CannotStart } from "./setup/config";
import { EmbeddedUnavailable } from "./database/embedded/embedded";
import { start } from "./start";

start(process.env).catch((error: unknown) => {
  // What whoever starts it can put right is told in a sentence; a bug with its stack.
  const expected = error instanceof CannotStart || error instanceof EmbeddedUnavailable;
  const text = expected ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
