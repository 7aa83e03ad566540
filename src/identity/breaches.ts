import { hash } from "node:crypto";
import type { Fetch } from "../net/outbound";
import { normal } from "./passwords";

const LONGEST_MS = 3_000;

/**
 * Whether a password is in a known breach, by the range API of Pwned Passwords
 * (https://haveibeenpwned.com/API/v3#PwnedPasswords) at that URL. The service gets the first 5 of the 40
 * digits of the password's SHA-1, which about a thousand other passwords share. It is asked to pad its
 * answer, so that the answer's length tells an observer nothing.
 *
 * @throws Error when there is no answer within 3 seconds, or the answer is not of that API.
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
    // Every range has lines, so an empty answer is not of that API either.
    if (!suffix) throw new Error("The answer is no list of digests and counts.");
    counts.set(suffix.toUpperCase(), Number(count));
  }
  // Padding lines have a count of 0.
  return (counts.get(digest.slice(5)) ?? 0) > 0;
}
