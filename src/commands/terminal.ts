import type { Readable, Writable } from "node:stream";

interface Streams {
  env: NodeJS.ProcessEnv;
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable;
  /** Aborts when the operator presses Ctrl-C, or another process sends a signal to end. */
  interrupted: AbortSignal;
}

/** The environment of a command: what it reads, and what it writes to. */
export class Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly interrupted: AbortSignal;

  constructor(private readonly streams: Streams) {
    this.env = streams.env;
    this.stdin = streams.stdin;
    this.interrupted = streams.interrupted;
  }

  /** Whether a person reads the output, and not a program. */
  get isForPeople(): boolean {
    return this.streams.stdout.isTTY ?? false;
  }

  /** Writes a line of the command's result. */
  readonly say = (line: string): void => void this.streams.stdout.write(`${line}\n`);

  /** Writes a message to stderr, so that a script that reads the result does not get it. */
  readonly log = (line: string): void => void this.streams.stderr.write(`${line}\n`);

  /** Prints pieces as they come. It stops when the reader has closed the pipe (`| head`). */
  async print(pieces: AsyncIterable<string>): Promise<void> {
    const { stdout } = this.streams;
    for await (const piece of pieces) {
      const failed = await new Promise((done) => stdout.write(piece, done));
      if (failed) return;
    }
  }
}
