import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal";

/** The command line has a mistake. The operator gets the message and the command's usage. */
export class Misused extends Error {}

export interface Command {
  usage: string;
  does: string;
  /** Returns the exit code; without one it is 0. */
  run: (args: string[], terminal: Terminal) => Promise<number | void> | number | void;
}

type Given<N extends string, T extends string, S extends string> = Record<N, string> &
  Partial<Record<T, string>> &
  Record<S, boolean>;

/** Makes a command from its options: those it requires, those it accepts, and its switches. */
export function command<
  N extends string = never,
  T extends string = never,
  S extends string = never,
>({
  does,
  needs = {} as Record<N, string>,
  takes = {} as Record<T, string>,
  switches = [],
  run,
}: {
  does: string;
  /** Required options, each with a word for its value. */
  needs?: Record<N, string>;
  takes?: Record<T, string>;
  switches?: readonly S[];
  run: (given: Given<N, T, S>, terminal: Terminal) => ReturnType<Command["run"]>;
}): Command {
  const needed = Object.entries<string>(needs);
  const taken = Object.entries<string>(takes);
  const usage = [
    ...needed.map(([name, value]) => `--${name} ${value}`),
    ...taken.map(([name, value]) => `[--${name} ${value}]`),
    ...switches.map((name) => `[--${name}]`),
  ].join(" ");
  return {
    usage,
    does,
    run(args, terminal) {
      const names = [...needed, ...taken].map(([name]) => name);
      const values = parsed(args, names, switches);
      const missing = needed.filter(([name]) => values[name] === undefined);
      if (missing.length) {
        const list = missing.map(([name]) => `--${name}`).join(", ");
        throw new Misused(`Give the options that are missing: ${list}.`);
      }
      return run(values as Given<N, T, S>, terminal);
    },
  };
}

type Values = Record<string, string | boolean | undefined>;

function parsed(args: string[], names: readonly string[], switches: readonly string[]): Values {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const name of names) options[name] = { type: "string" };
  for (const name of switches) options[name] = { type: "boolean", default: false };
  const { values, tokens } = parse(args, options);
  const given = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  const twice = given.find((name, i) => given.indexOf(name) < i);
  if (twice) throw new Misused(`--${twice} is given twice. Give it once.`);
  return values as Values;
}

function parse(args: string[], options: NonNullable<ParseArgsConfig["options"]>) {
  try {
    return parseArgs({ args, options, tokens: true });
  } catch (error) {
    throw new Misused((error as Error).message, { cause: error });
  }
}
