import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { run as runCommand } from "../../src/cli";
import { Terminal } from "../../src/commands/terminal";
import { url } from "./database";
import { ENCRYPTION_KEYS } from "./factories";

const root = join(__dirname, "../..");

/** A data directory of this test file's own. */
export const directory = mkdtempSync(join(tmpdir(), "programs-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** For `beforeAll` where programs are run: compiles them, as `npm start` does. */
export const build = () => promisify(execFile)("npm", ["run", "--silent", "build"], { cwd: root });

const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  DATABASE_URL: url,
  GATEHOUSE_ENCRYPTION_KEYS: ENCRYPTION_KEYS,
  GATEHOUSE_DATA_DIRECTORY: directory,
  ...env,
});

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

interface Options {
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** Whether a person looks at the answer. */
  isTTY?: boolean;
  interrupted?: AbortSignal;
}

/** A command of the command line and how it ended, in this process. */
export async function run(args: string[], options: Options = {}): Promise<Ended> {
  const { env = {}, input = "", isTTY = false, interrupted } = options;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const code = await runCommand(
    args,
    new Terminal({
      env: environment(env),
      stdin: Readable.from([input]),
      stdout: Object.assign(stdout, { isTTY }),
      stderr,
      interrupted: interrupted ?? new AbortController().signal,
    }),
  );
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { code, out, err };
}

/** A program as an operator starts it, in a process of its own. */
export function begin(
  program: "cli" | "main",
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): ChildProcess & { stdout: Readable; stderr: Readable } {
  return spawn(process.execPath, [`dist/src/${program}.js`, ...args], {
    cwd: root,
    env: environment(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** How a process ended, and all that it said. */
export async function ending(child: ReturnType<typeof begin>): Promise<Ended> {
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, out, err };
}

/** A program, in a process of its own, and how it ended. */
export const runProgram = (
  program: "cli" | "main",
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
) => ending(begin(program, args, env));
