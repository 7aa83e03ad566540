import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { networkOf } from "../net/addresses";
import { RateLimited } from "../errors";

/** argon2id with OWASP's parameters: 19 MiB, 2 passes, 1 lane. (2 is argon2id in the library.) */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** The beginning of a hash that was made with these parameters. */
export const HASH_PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$";
/** zxcvbn tries all combinations of substitutions such as "0" for "o". Unbounded, that takes a second. */
const MOST_SUBSTITUTIONS = 3;
const OWN_WORDS =
  "Leave out your name, your email, and the names of your accounts and of this service.";

/**
 * A hash takes about 20 ms of a core, and 19 MiB. At most half of the cores hash at the same time, so that
 * many sign-ins do not slow down other requests. The queue is so short that its last job is done in time.
 */
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const MAX_WAITING = 100;
/** How many jobs a thread has: the one that it does, and the next one, for which it need not wait. */
const READY = 2;
/** How much lower the priority of hashing is: on a shared core, another thread gets three quarters. */
const NICER = 5;

/**
 * The program of a thread. It is a text, so that it starts in the same way from compiled files, from
 * sources and in tests.
 *
 * Only Linux has a priority for each thread. Elsewhere the call would lower that of the whole process.
 */
const THREAD = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { hashSync, verifySync } = require(workerData.argon2);
  if (process.platform === "linux") {
    const { getPriority, setPriority } = require("node:os");
    setPriority(0, Math.min(19, getPriority(0) + workerData.nicer));
  }
  let zxcvbn;
  function strength() {
    if (zxcvbn) return zxcvbn;
    const { ZxcvbnFactory } = require(workerData.zxcvbn);
    const { adjacencyGraphs: graphs, dictionary: common } = require(workerData.common);
    const { dictionary: english, translations: told } = require(workerData.english);
    const warnings = { ...told.warnings, userInputs: workerData.ownWords };
    const translations = { ...told, warnings };
    const dictionary = { ...common, ...english };
    const { mostSubstitutions: l33tMaxSubstitutions } = workerData;
    return (zxcvbn = new ZxcvbnFactory({ dictionary, graphs, translations, l33tMaxSubstitutions }));
  }
  const jobs = {
    hash: ({ password }) => hashSync(password, workerData.parameters),
    verify: ({ password, against }) => verifySync(against, password),
    score({ password, words }) {
      const { score, feedback } = strength().check(password, words);
      return { score, warning: feedback.warning, suggestion: feedback.suggestions[0] };
    },
  };
  parentPort.on("message", ({ id, job }) => {
    try {
      parentPort.postMessage({ id, result: jobs[job.kind](job) });
    } catch (error) {
      parentPort.postMessage({ id, error });
    }
  });`;

export interface Score {
  /** 0 to 4, as zxcvbn gives it. */
  score: number;
  warning?: string | null;
  suggestion?: string;
}

type Job =
  | { kind: "hash"; password: string }
  | { kind: "verify"; password: string; against: string }
  | { kind: "score"; password: string; words: string[] };
type Result = string | boolean | Score;
type Answer = { id: number } & ({ result: Result } | { error: Error });

interface Waiting {
  job: Job;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

/** The jobs that wait for a thread. Each network has a line of its own, and the lines take turns. */
class Lines {
  private readonly lines = new Map<string, Waiting[]>();
  private length = 0;

  /** Where too many jobs wait, the last job of the longest line is refused. @throws RateLimited. */
  add(network: string, waiting: Waiting): void {
    const line = this.lines.get(network) ?? [];
    if (this.length >= MAX_WAITING) {
      const longest = [...this.lines.values()].reduce((a, b) => (b.length > a.length ? b : a));
      if (line.length >= longest.length) throw new RateLimited(2);
      longest.pop()!.reject(new RateLimited(2));
      this.length--;
    }
    line.push(waiting);
    this.lines.set(network, line);
    this.length++;
  }

  next(): Waiting | undefined {
    const [first] = this.lines;
    if (!first) return undefined;
    const [network, line] = first;
    this.lines.delete(network);
    const waiting = line.shift()!;
    if (line.length) this.lines.set(network, line);
    this.length--;
    return waiting;
  }
}

const lines = new Lines();

/** A thread that does one job after another. It keeps the process alive while it has work. */
class Hasher {
  private readonly given = new Map<number, Waiting>();
  private worker: Worker | null = null;
  private last = 0;

  /** Gives the thread its next jobs, so that it does not wait for a busy main thread. */
  feed(): void {
    while (this.given.size < READY) {
      const waiting = lines.next();
      if (!waiting) break;
      const worker = (this.worker ??= this.start());
      worker.ref();
      const id = ++this.last;
      this.given.set(id, waiting);
      worker.postMessage({ id, job: waiting.job });
    }
    if (this.given.size === 0) this.worker?.unref();
  }

  private start(): Worker {
    const workerData = {
      argon2: require.resolve("@node-rs/argon2"),
      zxcvbn: require.resolve("@zxcvbn-ts/core"),
      common: require.resolve("@zxcvbn-ts/language-common"),
      english: require.resolve("@zxcvbn-ts/language-en"),
      parameters: PARAMETERS,
      mostSubstitutions: MOST_SUBSTITUTIONS,
      ownWords: OWN_WORDS,
      nicer: NICER,
    };
    // Without the options of this process, such as a loader for TypeScript.
    const worker = new Worker(THREAD, { eval: true, execArgv: [], workerData });
    worker.on("message", ({ id, ...answer }: Answer) => {
      const { resolve, reject } = this.given.get(id)!;
      this.given.delete(id);
      this.feed();
      if ("error" in answer) reject(answer.error);
      else resolve(answer.result);
    });
    let failure: Error | undefined;
    worker.on("error", (error: Error) => (failure = error));
    // Only its own jobs fail. Those that wait in lines go to another thread.
    worker.on("exit", () => {
      this.worker = null;
      const lost = failure ?? new Error("The thread that hashes passwords has ended.");
      for (const { reject } of this.given.values()) reject(lost);
      this.given.clear();
      this.feed();
    });
    return worker;
  }
}

const hashers = Array.from({ length: AT_ONCE }, () => new Hasher());

/**
 * A hash to store.
 *
 * @param ip The caller's address. Many jobs from one network do not keep other networks waiting.
 * @throws RateLimited when too many are waiting.
 */
export async function hash(password: string, ip: string | null = null): Promise<string> {
  return (await run({ kind: "hash", password }, ip)) as string;
}

/** Whether a password has this hash. @throws RateLimited as `hash` does. */
export async function verify(
  against: string,
  password: string,
  ip: string | null = null,
): Promise<boolean> {
  return (await run({ kind: "verify", password, against }, ip)) as boolean;
}

/** How hard a password is to guess for an attacker who tries these words. @throws as `hash` does. */
export async function score(password: string, words: string[], ip: string | null): Promise<Score> {
  return (await run({ kind: "score", password, words }, ip)) as Score;
}

function run(job: Job, ip: string | null): Promise<Result> {
  return new Promise((resolve, reject) => {
    lines.add(ip ? networkOf(ip) : "", { job, resolve, reject });
    for (const hasher of hashers) hasher.feed();
  });
}
