import { availableParallelism } from "node:os";
import { hash as argon2Hash, verify as argon2Verify } from "@node-rs/argon2";
import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as english, translations } from "@zxcvbn-ts/language-en";
import { RateLimited, Refusal, Refused } from "../errors";

/** argon2id with OWASP's parameters: 19 MiB, 2 passes, 1 lane. (2 is argon2id in the library.) */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$";

const MIN_CHARACTERS = 12;
const MAX_CHARACTERS = 256;
/** zxcvbn's time grows with length: 512 hostile characters cost seconds. */
const MAX_SCORED = 72;
/** Out of 4: "safely unguessable", about 10^8 guesses and more. */
const MIN_SCORE = 3;

/**
 * A hash costs some 20 ms of a core and 19 MiB. Half of the cores at a time, so that a wave of
 * sign-ins never starves other requests, and a queue short enough to be answered in time.
 */
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const MAX_WAITING = 100;
let running = 0;
const waiting: (() => void)[] = [];

/** A hash to store, of any Unicode password, whole. */
export function hashPassword(password: string): Promise<string> {
  return bounded(() => argon2Hash(normal(password), PARAMETERS));
}

/**
 * Whether the password is the one behind the hash. Without a hash (no such user, or one who has
 * no password) it takes as long as with one, and says no.
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  const against = hash ?? (await decoy());
  const matches = await bounded(() => argon2Verify(against, normal(password)));
  return matches && hash !== null;
}

/** Whether the hash was made with other parameters than today's. */
export function needsRehash(hash: string): boolean {
  return !hash.startsWith(PREFIX);
}

/**
 * Refuses a password that is too short, too long, or easy to guess, and says why.
 *
 * @param context Words an attacker would try first: name, email, account, product.
 * @throws Refused (BAD_USER_INPUT for its length, WEAK_PASSWORD for what it is).
 */
export function assertStrong(password: string, context: string[], field: string[]): void {
  const typed = normal(password); // as it is hashed
  const { length } = [...typed];
  if (length < MIN_CHARACTERS || length > MAX_CHARACTERS) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Use ${MIN_CHARACTERS} to ${MAX_CHARACTERS} characters; this has ${length}.`,
      field,
    );
  }
  const words = [
    "gatehouse",
    ...context.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]),
  ];
  const { score, feedback } = strength().check(typed.slice(0, MAX_SCORED), words.filter(Boolean));
  if (score >= MIN_SCORE) return;
  const reason = feedback.warning ?? "This password is easy to guess.";
  const hint = feedback.suggestions[0] ?? "Add more words that are less common.";
  throw new Refused(Refusal.WEAK_PASSWORD, `${reason} ${hint}`, field);
}

/** The same password typed on another keyboard may be composed otherwise (NIST SP 800-63B). */
export const normal = (password: string) => password.normalize("NFKC");

let decoyHash: Promise<string> | undefined;
const decoy = () => (decoyHash ??= argon2Hash("nobody's password", PARAMETERS));

let factory: ZxcvbnFactory | undefined;
/** Made at first use: its dictionaries take a while to load. */
const strength = () =>
  (factory ??= new ZxcvbnFactory({
    dictionary: { ...common, ...english },
    graphs: adjacencyGraphs,
    translations,
  }));

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw new RateLimited(2);
    await new Promise<void>((go) => waiting.push(go));
  } else {
    running++;
  }
  try {
    return await work();
  } finally {
    // The place is handed on, not given back, so that nobody can jump the queue.
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
