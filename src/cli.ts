import "reflect-metadata";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { accountsCommand } from "./commands/accounts";
import { Interrupted } from "./commands/asOperator";
import { checkCommand } from "./commands/check";
import { type Command, Misused } from "./commands/command";
import { createAdministratorCommand } from "./commands/createAdministrator";
import { endSessionsCommand } from "./commands/endSessions";
import { eventsCommand } from "./commands/events";
import { migrateCommand } from "./commands/migrate";
import { policyCommand } from "./commands/policy";
import { resetMfaCommand } from "./commands/resetMfa";
import { rotateKeysCommand } from "./commands/rotateKeys";
import { schemaCommand } from "./commands/schema";
import { Terminal } from "./commands/terminal";
import { usersCommand } from "./commands/users";
import { Refused } from "./errors";
import { problemOf } from "./setup/problems";
import { interruption } from "./setup/stopping";

const COMMANDS: Record<string, Command> = {
  accounts: accountsCommand,
  check: checkCommand,
  "create-administrator": createAdministratorCommand,
  "end-sessions": endSessionsCommand,
  events: eventsCommand,
  migrate: migrateCommand,
  policy: policyCommand,
  "reset-mfa": resetMfaCommand,
  "rotate-keys": rotateKeysCommand,
  schema: schemaCommand,
  users: usersCommand,
};

const DONE = 0;
const REFUSED = 1;
const MISUSED = 2;

/** Runs the command that the arguments name, and returns the exit code. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  const [name, ...others] = args;
  if (name === "help") return run([...others, "--help"], terminal);
  const isHelp = args.some((arg) => arg === "--help" || arg === "-h");
  const isKnown = name !== undefined && Object.hasOwn(COMMANDS, name);
  if (isKnown && isHelp) terminal.say(usageOf(name));
  else if (isKnown) return runCommand(name, others, terminal);
  else if (name === "--version") terminal.say(version());
  else if (name?.startsWith("-") && isHelp) terminal.say(usage());
  else {
    terminal.log(name === undefined ? usage() : `There is no command "${name}".\n\n${usage()}`);
    return MISUSED;
  }
  return DONE;
}

async function runCommand(name: string, args: string[], terminal: Terminal): Promise<number> {
  try {
    return (await COMMANDS[name]!.run(args, terminal)) ?? DONE;
  } catch (error) {
    if (error instanceof Misused) {
      terminal.log(`${error.message}\n\n${usageOf(name)}`);
      return MISUSED;
    }
    // The exit code that a shell gives a program that a signal has ended.
    if (error instanceof Interrupted) return 128 + constants.signals[error.signal];
    terminal.log(problemOf(error));
    const isOfOption = error instanceof Refused && error.field !== null;
    return isOfOption ? MISUSED : REFUSED;
  }
}

function usage(): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]!.does}`);
  return [
    "Usage: npm run gatehouse -- COMMAND [OPTIONS]",
    "",
    ...lines,
    "",
    "`COMMAND --help` shows the options of a command. `--version` shows the version of Gatehouse.",
  ].join("\n");
}

function usageOf(name: string): string {
  const { usage, does } = COMMANDS[name]!;
  return `Usage: npm run gatehouse -- ${`${name} ${usage}`.trim()}\n\n${does}`;
}

/** The version in package.json. That is in a folder above this file, compiled or not. */
function version(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  const text = readFileSync(join(folder, "package.json"), "utf8");
  return `gatehouse ${(JSON.parse(text) as { version: string }).version}`;
}

if (require.main === module) {
  const { env, stdin, stdout, stderr } = process;
  // The reader may have closed the pipe (`| head`). The command goes on to its end.
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  const interrupted = interruption();
  const terminal = new Terminal({ env, stdin, stdout, stderr, interrupted });
  void run(process.argv.slice(2), terminal).then((code) => {
    process.exitCode = code;
    // Interrupted work may still be waiting, which would keep the process running.
    if (interrupted.aborted) process.exit();
  });
}
