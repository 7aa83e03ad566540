import { parseArgs, type ParseArgsConfig } from "node:util";
import type { Terminal } from "./terminal";

/** The command was called in a way that can't be meant. */
export class Misused extends Error {}

export interface Command {
  usage: string;
  does: string;
  /** Gives what the process ends with; 0 unless it says otherwise. */
  run: (args: string[], terminal: Terminal) => Promise<number | void> | number | void;
}

type Given<N extends string, T extends string, S extends string> = Record<N, string> &
  Partial<Record<T, string>> &
  Record<S, boolean>;

/** A command that knows its options: those that it needs, those that it takes, and its switches. */
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
  /** Each option with the word that its value goes by. */
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
        throw new Misused(`What is missing: ${list}.`);
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
