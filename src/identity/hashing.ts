import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { RateLimited } from "../errors";

/** argon2id with OWASP's parameters: 19 MiB, 2 passes, 1 lane. (2 is argon2id in the library.) */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** How a hash made with them begins. */
export const PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$";

/**
 * A hash costs some 20 ms of a core and 19 MiB. Half of the cores at a time, so that a wave of
 * sign-ins never starves other requests, and a queue short enough to be answered in time.
 */
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const MAX_WAITING = 100;
/** By how much other threads go first: to one of them, hashing leaves three quarters of a core. */
const NICER = 5;

/**
 * What a thread runs. It is a text, so that it starts alike from compiled files, from sources
 * and in tests.
 *
 * Priority belongs to one thread on Linux alone; elsewhere the call would lower the whole process.
 */
const THREAD = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { hashSync, verifySync } = require(workerData.library);
  if (process.platform === "linux") {
    const { getPriority, setPriority } = require("node:os");
    setPriority(0, Math.min(19, getPriority(0) + workerData.nicer));
  }
  parentPort.on("message", ({ id, password, against }) => {
    try {
      const result = against === null
        ? hashSync(password, workerData.parameters)
        : verifySync(against, password);
      parentPort.postMessage({ id, result });
    } catch (error) {
      parentPort.postMessage({ id, error });
    }
  });`;

interface Job {
  password: string;
  /** The hash to compare it with; null to make one. */
  against: string | null;
}

type Answer = { id: number } & ({ result: string | boolean } | { error: Error });

interface Waiting {
  resolve: (result: string | boolean) => void;
  reject: (error: Error) => void;
}

/**
 * A thread that computes one hash after another. All it has to do waits with it, so that it goes
 * on at once, however busy the main thread is. It keeps the process alive while it has work.
 */
class Hasher {
  private readonly waiting = new Map<number, Waiting>();
  private worker: Worker | null = null;
  private last = 0;

  get load(): number {
    return this.waiting.size;
  }

  run(job: Job): Promise<string | boolean> {
    const worker = (this.worker ??= this.start());
    worker.ref();
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...job });
    });
  }

  private start(): Worker {
    const workerData = {
      library: require.resolve("@node-rs/argon2"),
      parameters: PARAMETERS,
      nicer: NICER,
    };
    // Without what this process was started with, such as a loader of TypeScript.
    const worker = new Worker(THREAD, { eval: true, execArgv: [], workerData });
    worker.on("message", ({ id, ...answer }: Answer) => {
      const { resolve, reject } = this.waiting.get(id)!;
      this.waiting.delete(id);
      if (this.load === 0) worker.unref();
      if ("error" in answer) reject(answer.error);
      else resolve(answer.result);
    });
    let failure: Error | undefined;
    worker.on("error", (error: Error) => (failure = error));
    // The next job starts another one.
    worker.on("exit", () => {
      this.worker = null;
      const lost = failure ?? new Error("The thread that hashes passwords has ended.");
      for (const { reject } of this.waiting.values()) reject(lost);
      this.waiting.clear();
    });
    return worker;
  }
}

const hashers = Array.from({ length: AT_ONCE }, () => new Hasher());

/** A hash to store. @throws RateLimited when too many are waiting. */
export async function hash(password: string): Promise<string> {
  return (await run({ password, against: null })) as string;
}

/** Whether the password is the one behind the hash. @throws RateLimited as `hash` does. */
export async function verify(hash: string, password: string): Promise<boolean> {
  return (await run({ password, against: hash })) as boolean;
}

async function run(job: Job): Promise<string | boolean> {
  const loads = hashers.map(({ load }) => load);
  const under = loads.reduce((sum, load) => sum + load);
  if (under >= AT_ONCE + MAX_WAITING) throw new RateLimited(2);
  // All take as long, so whoever has the least to do is ready first.
  return hashers[loads.indexOf(Math.min(...loads))]!.run(job);
}
