import type { Readable, Writable } from "node:stream";

interface Streams {
  env: NodeJS.ProcessEnv;
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable;
  /** Aborts when the operator presses Ctrl-C, or the process is told to end. */
  interrupted: AbortSignal;
}

/** Where a command runs: what it reads, and what it writes to. */
export class Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly interrupted: AbortSignal;

  constructor(private readonly streams: Streams) {
    this.env = streams.env;
    this.stdin = streams.stdin;
    this.interrupted = streams.interrupted;
  }

  /** Whether a person reads what is printed, and no program. */
  get isForPeople(): boolean {
    return this.streams.stdout.isTTY ?? false;
  }

  /** A line of the answer. */
  readonly say = (line: string): void => void this.streams.stdout.write(`${line}\n`);

  /** A line of what is not the answer: a script that takes the answer does not get it. */
  readonly log = (line: string): void => void this.streams.stderr.write(`${line}\n`);

  /** Prints pieces as they come, and asks for no more once the reader has gone (`| head`). */
  async print(pieces: AsyncIterable<string>): Promise<void> {
    const { stdout } = this.streams;
    for await (const piece of pieces) {
      const failed = await new Promise((done) => stdout.write(piece, done));
      if (failed) return;
    }
  }
}
