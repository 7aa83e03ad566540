import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as english, translations } from "@zxcvbn-ts/language-en";
import { Refusal, Refused } from "../errors";
import { hash as argon2Hash, PREFIX, verify as argon2Verify } from "./hashing";

const MIN_CHARACTERS = 12;
const MAX_CHARACTERS = 256;
/** zxcvbn's time grows with length: 512 hostile characters cost seconds. */
const MAX_SCORED = 72;
/** Out of 4: "safely unguessable", about 10^8 guesses and more. */
const MIN_SCORE = 3;

/** A hash to store, of any Unicode password, whole. */
export function hashPassword(password: string): Promise<string> {
  return argon2Hash(normal(password));
}

/**
 * Whether the password is the one behind the hash. Without a hash (no such user, or one who has
 * no password) it takes as long as with one, and says no.
 */
export async function verifyPassword(hash: string | null, password: string): Promise<boolean> {
  const matches = await argon2Verify(hash ?? DECOY, normal(password));
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

/** What is compared where there is no hash: 16 bytes of salt and 32 of a hash, all zero. */
const DECOY = `${PREFIX}${"A".repeat(22)}$${"A".repeat(43)}`;

let factory: ZxcvbnFactory | undefined;
/** Made at first use: its dictionaries take a while to load. */
const strength = () =>
  (factory ??= new ZxcvbnFactory({
    dictionary: { ...common, ...english },
    graphs: adjacencyGraphs,
    translations,
  }));
