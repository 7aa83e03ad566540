import { hash } from "node:crypto";
import type { Fetch } from "../net/outbound";
import { normal } from "./passwords";

const LONGEST_MS = 3_000;

/**
 * Whether a password is in a known breach, by the range API of Pwned Passwords
 * (https://haveibeenpwned.com/API/v3#PwnedPasswords) at that URL. It is told the first 5 of the 40
 * digits of the password's SHA-1, which a thousand others share, and is asked to pad its answer, so
 * that whoever sees only its length learns nothing more.
 *
 * @throws Error when there is no answer within 3 seconds, or one that is none of that API.
 */
export async function isBreached(call: Fetch, url: string, password: string): Promise<boolean> {
  const digest = hash("sha1", normal(password)).toUpperCase();
  const answer = await call(`${url}/range/${digest.slice(0, 5)}`, {
    headers: { "add-padding": "true" },
    signal: AbortSignal.timeout(LONGEST_MS),
  });
  if (answer.status !== 200) throw new Error(`The answer has the status ${answer.status}.`);
  const counts = new Map<string, number>();
  for (const line of (await answer.text()).trimEnd().split(/\r?\n/)) {
    const [, suffix, count] = /^([0-9A-F]{35}):(\d+)$/i.exec(line) ?? [];
    // Every range has some: an empty answer is none either.
    if (!suffix) throw new Error("The answer is no list of digests and counts.");
    counts.set(suffix.toUpperCase(), Number(count));
  }
  // What is there to pad is there no times.
  return (counts.get(digest.slice(5)) ?? 0) > 0;
}
