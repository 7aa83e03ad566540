import "reflect-metadata";
import { problemOf } from "./setup/problems";
import { start } from "./start";

start(process.env).catch((error: unknown) => {
  process.stderr.write(`${problemOf(error)}\n`);
  process.exit(1);
});
