import "reflect-metadata";
import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { text } from "node:stream/consumers";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { typeid } from "typeid-js";
import { check, keyProblem, reasonOf, secrets } from "./setup/check";
import { CannotStart, readConfig } from "./setup/config";
import { Context } from "./context/context";
import { Database } from "./database/database";
import { openDataSource } from "./database/dataSource";
import { EmbeddedUnavailable } from "./database/embedded/embedded";
import { migrate } from "./database/migrate";
import { assertMade, openDatabase, type Stop } from "./setup/openDatabase";
import { render, Unavailable } from "./errors";
import { resetMfa } from "./operations/authenticators/resetMfa";
import { rotateKeys } from "./operations/authenticators/rotateKeys";
import { endUserSessions } from "./operations/sessions/endUserSessions";
import { createAdministrator } from "./operations/users/createAdministrator";
import { policyTable } from "./policies/policyTable";
import { operator } from "./principal";
import { openServices } from "./setup/openServices";

const say = (line: string) => void process.stdout.write(`${line}\n`);
/** What is not the answer goes beside it, so that a script can take the answer. */
const log = (line: string) => void process.stderr.write(`${line}\n`);

/** It was called in a way that means nothing. */
class Misused extends Error {}

interface Command {
  usage: string;
  does: string;
  run: (args: string[]) => Promise<number | void> | number | void;
}

/** A command that knows its options: all that it needs, and switches that it may be given. */
function command<N extends string = never, S extends string = never>({
  does,
  needs = {} as Record<N, string>,
  switches = [],
  run,
}: {
  does: string;
  /** Each option with the word that its value goes by. */
  needs?: Record<N, string>;
  switches?: readonly S[];
  run: (given: Record<N, string> & Record<S, boolean>) => ReturnType<Command["run"]>;
}): Command {
  const names = Object.keys(needs) as N[];
  const usage = [
    ...names.map((name) => `--${name} ${needs[name]}`),
    ...switches.map((name) => `[--${name}]`),
  ].join(" ");
  return {
    usage,
    does,
    run(args) {
      const values = parsed(args, names, switches);
      const missing = names.filter((name) => values[name] === undefined);
      if (missing.length) {
        const list = missing.map((name) => `--${name}`).join(", ");
        throw new Misused(`What is missing: ${list}.`);
      }
      return run(values as Parameters<typeof run>[0]);
    },
  };
}

type Values = Record<string, string | boolean | undefined>;

function parsed(args: string[], names: readonly string[], switches: readonly string[]): Values {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const name of names) options[name] = { type: "string" };
  for (const name of switches) options[name] = { type: "boolean", default: false };
  try {
    return parseArgs({ args, options }).values as Values;
  } catch (error) {
    throw new Misused((error as Error).message, { cause: error });
  }
}

const COMMANDS: Record<string, Command> = {
  check: command({
    does: "verifies the configuration, and changes nothing",
    run: () => stopping(async (stops) => ((await check(process.env, stops, say)) ? 0 : 1)),
  }),
  "create-administrator": command({
    does: "creates the first user and their account",
    needs: { email: "EMAIL", name: "NAME", account: "NAME" },
    switches: ["password-stdin"],
    async run({ "password-stdin": piped, ...input }) {
      const password = piped
        ? (await text(process.stdin)).replace(/\r?\n$/, "")
        : randomBytes(18).toString("base64url");
      const { user, account } = await asOperator(
        (ctx) => createAdministrator(ctx, { ...input, password }),
        { make: true },
      );
      say(`Created ${user.email}, the administrator of "${account.name}" (${account.id}).`);
      if (!piped) say(`Their password, which is shown this once: ${password}`);
    },
  }),
  "end-sessions": command({
    does: "ends all sessions of a person",
    needs: { email: "EMAIL", reason: "TEXT" },
    async run(input) {
      const { user, sessions } = await asOperator((ctx) => endUserSessions(ctx, input));
      const { length } = sessions;
      say(
        length
          ? `Ended ${length === 1 ? "the session" : `all ${length} sessions`} of ${user.email}. Their API keys go on working.`
          : `${user.email} has no open session. Nothing was changed.`,
      );
    },
  }),
  migrate: command({
    does: "brings the database up to date",
    run: () =>
      stopping(async (stops) => {
        const config = readConfig(process.env);
        if (!config.migrationUrl) assertMade(config);
        const url = config.migrationUrl ?? (await openDatabase(config, stops, log)).migrateUrl;
        await migrate(url).catch((cause: unknown) => {
          const message = `The database can't be migrated: ${reasonOf(cause)}. docs/configuration.md says what that takes.`;
          throw new CannotStart(message, { cause });
        });
        const which = config.migrationUrl ? "database" : `database in ${config.dataDirectory}`;
        say(`The ${which} is up to date.`);
      }),
  }),
  policy: command({
    does: "prints who may do what, as Markdown",
    run: () => void process.stdout.write(policyTable()),
  }),
  "reset-mfa": command({
    does: "turns off the second factor of a person",
    needs: { email: "EMAIL", reason: "TEXT" },
    async run(input) {
      const { user, members } = await asOperator((ctx) => resetMfa(ctx, input));
      const { length } = members;
      const accounts = `${length} account${length === 1 ? "" : "s"}`;
      say(
        `Reset the second factor of ${user.email}: signing in takes no code now. ` +
          `It is an event of theirs and of ${accounts}, and they are told by mail.`,
      );
    },
  }),
  "rotate-keys": command({
    does: "encrypts every secret again, under the first of the configured keys",
    run: () =>
      asOperator(async (ctx) => {
        const { done, left } = await rotateKeys(ctx);
        const { currentId } = ctx.services.keyring;
        say(`Encrypted ${secrets(done)} again, under the key "${currentId}".`);
        for (const key of left) log(keyProblem(key));
        if (left.length) return 1;
        say("None is under another key: GATEHOUSE_ENCRYPTION_KEYS needs no other any more.");
        return 0;
      }),
  }),
  schema: command({
    does: "prints the GraphQL schema",
    async run() {
      // The others do without it, and it takes a second to load.
      const { printedSchema } = await import("./graphql/schema.js");
      process.stdout.write(printedSchema());
    },
  }),
};

function usageOf(name: string): string {
  return `${name} ${COMMANDS[name]!.usage}`.trim();
}

function usage(): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => usageOf(name).length));
  const lines = names.map((name) => `  ${usageOf(name).padEnd(width)}  ${COMMANDS[name]!.does}`);
  return ["Usage: npm run gatehouse -- COMMAND", "", ...lines].join("\n");
}

/**
 * Runs an operation as the operator, on the database that the configuration names.
 *
 * @param make Whether to make the embedded database where it is not there yet.
 */
function asOperator<T>(work: (ctx: Context) => Promise<T>, { make = false } = {}): Promise<T> {
  return stopping(async (stops) => {
    const config = readConfig(process.env);
    if (!make) assertMade(config);
    const { serveUrl, migrateUrl } = await openDatabase(config, stops, log);
    if (!config.databaseUrl) await migrate(migrateUrl);
    const source = openDataSource({ url: serveUrl, as: "serve", poolSize: 2 });
    const db = new Database(await source.initialize().catch(asUnavailable));
    stops.push(() => db.close());
    // One id for all that this command does.
    const request = { id: typeid("cli").toString(), ip: null, userAgent: null };
    const caller = operator(userName(), hostname());
    const report = (error: unknown) => log(reasonOf(error));
    return work(new Context({ db, services: await openServices(config), request, caller, report }));
  });
}

/** Runs what may start things, and stops them again. */
async function stopping<T>(work: (stops: Stop[]) => Promise<T>): Promise<T> {
  const stops: Stop[] = [];
  try {
    return await work(stops);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function asUnavailable(cause: unknown): never {
  throw new Unavailable(cause);
}

/** In a container, a user need not have a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** SQLSTATE of a table or a column that is not there. */
const OUTDATED = ["42P01", "42703"];

/** What to tell of an error: a sentence where we know what it is, and a bug with its stack. */
function told(error: unknown): string {
  const { message, field, internal } = render(error);
  if (field) return `--${field.join(".")}: ${message}`;
  if (error instanceof Unavailable) {
    return `The database can't be used: ${reasonOf(error)}. \`npm run gatehouse -- check\` says what to do.`;
  }
  const { code } = error as { code?: unknown };
  if (OUTDATED.includes(String(code))) {
    return "The database is not up to date. Run `npm run migrate` first.";
  }
  if (!internal) return message;
  if (error instanceof CannotStart || error instanceof EmbeddedUnavailable) return error.message;
  return error instanceof Error ? error.stack! : String(error);
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === "help") return main([...args, "--help"]);
  const asked = [name, ...args].some((arg) => arg === "--help" || arg === "-h");
  const known = name !== undefined && Object.hasOwn(COMMANDS, name);
  if (asked && known)
    say(`Usage: npm run gatehouse -- ${usageOf(name)}\n\n${COMMANDS[name]!.does}`);
  else if (asked) say(usage());
  if (asked) return 0;
  if (!known) {
    log(name === undefined ? usage() : `There is no command "${name}".\n\n${usage()}`);
    return 2;
  }
  try {
    return (await COMMANDS[name]!.run(args)) ?? 0;
  } catch (error) {
    if (!(error instanceof Misused)) {
      log(told(error));
      return 1;
    }
    log(`${error.message}\nUsage: npm run gatehouse -- ${usageOf(name)}`);
    return 2;
  }
}

// Whoever reads may have had enough (`| head`). What was begun goes on to its end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
void main(process.argv.slice(2)).then((code) => (process.exitCode = code));
