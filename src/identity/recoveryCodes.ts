import { randomBytes } from "node:crypto";
import { base32, CROCKFORD } from "./base32";
import { hashOf } from "./tokens";

const COUNT = 10;
/** 80 bits each can't be guessed, so a fast hash will do (NIST SP 800-63B, section 5.1.2.2). */
const BYTES = 10;
const CHARACTERS = 16;

/** New codes for the user, and their hashes to store. */
export function newRecoveryCodes(): { codes: string[]; hashes: Buffer[] } {
  const codes = Array.from({ length: COUNT }, () =>
    base32(randomBytes(BYTES), CHARACTERS, CROCKFORD).replace(/.{4}(?=.)/g, "$&-"),
  );
  return { codes, hashes: codes.map((code) => hashOf(plain(code)!)) };
}

/** The hash of a code as the user typed it; null for a text that can't be a code. */
export function recoveryCodeHash(typed: string): Buffer | null {
  const code = plain(typed);
  return code === null ? null : hashOf(code);
}

/** Ignores case, dashes and spaces, and reads o, i and l as digits, as Crockford does. */
function plain(typed: string): string | null {
  const code = typed.toLowerCase().replace(/[\s-]/g, "").replace(/o/g, "0").replace(/[il]/g, "1");
  return code.length === CHARACTERS && [...code].every((c) => CROCKFORD.includes(c)) ? code : null;
}

/** The codes as a text file to keep. */
export function recoveryCodesText(
  codes: readonly string[],
  service: string,
  email: string,
): string {
  return [
    `Recovery codes of ${email} for ${service}`,
    "",
    ...codes,
    "",
    "Each works once, in place of a code of your authenticator app. Do not keep them with your phone.",
    "",
  ].join("\n");
}
