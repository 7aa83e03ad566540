import { Refusal, Refused } from "../errors";
import { hash as argon2Hash, HASH_PREFIX, score, verify as argon2Verify } from "./hashing";

const MIN_CHARACTERS = 12;
const MAX_CHARACTERS = 256;
/** zxcvbn takes longer for a longer password: 512 characters of an attacker take seconds. */
const MAX_SCORED = 72;
/** Of 4. zxcvbn calls it "safely unguessable": 10^8 guesses or more. */
const MIN_SCORE = 3;

/** The hash of a password, to store. All of the password counts. */
export function hashPassword(password: string, ip: string | null = null): Promise<string> {
  return argon2Hash(normal(password), ip);
}

/**
 * Whether a password has this hash. Without a hash (there is no such user, or the user has no password) it
 * takes as long as with one, and returns false (U2).
 */
export async function verifyPassword(
  hash: string | null,
  password: string,
  ip: string | null = null,
): Promise<boolean> {
  const matches = await argon2Verify(hash ?? DECOY, normal(password), ip);
  return matches && hash !== null;
}

/** Whether the hash was made with other parameters than today's. */
export function needsRehash(hash: string): boolean {
  return !hash.startsWith(HASH_PREFIX);
}

/** Refuses a password that is too short or too long. @throws Refused (BAD_USER_INPUT). */
export function assertLength(password: string, field: string[]): void {
  const { length } = [...normal(password)]; // normalised, as it is hashed
  if (length < MIN_CHARACTERS || length > MAX_CHARACTERS) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Use ${MIN_CHARACTERS} to ${MAX_CHARACTERS} characters; this has ${length}.`,
      field,
    );
  }
}

/**
 * Refuses a password that is easy to guess, and says why. It takes as much time as a hash.
 *
 * @param context Words that an attacker would try first: name, email, accounts, product.
 * @throws Refused (WEAK_PASSWORD); RateLimited when too many are waiting.
 */
export async function assertStrong(
  password: string,
  context: string[],
  field: string[],
  ip: string | null = null,
): Promise<void> {
  const words = [
    "gatehouse",
    ...context.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]),
  ];
  const typed = normal(password).slice(0, MAX_SCORED);
  const found = await score(typed, words.filter(Boolean), ip);
  if (found.score >= MIN_SCORE) return;
  const reason = found.warning ?? "This password is easy to guess.";
  const hint = found.suggestion ?? "Add more words that are less common.";
  throw new Refused(Refusal.WEAK_PASSWORD, `${reason} ${hint}`, field);
}

/** Another keyboard may compose the characters of the same password differently (NIST SP 800-63B). */
export const normal = (password: string) => password.normalize("NFKC");

/** The hash to verify against where there is none: 16 bytes of salt and 32 bytes of hash, all zero. */
const DECOY = `${HASH_PREFIX}${"A".repeat(22)}$${"A".repeat(43)}`;
