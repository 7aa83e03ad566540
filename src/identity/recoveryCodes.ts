import { randomBytes } from "node:crypto";
import { base32, CROCKFORD } from "./base32";
import { hashOf } from "./tokens";

const COUNT = 10;
/** 80 bits each: too many to try, so a fast hash keeps them (NIST SP 800-63B, section 5.1.2.2). */
const BYTES = 10;
const CHARACTERS = 16;

/** Codes to print and keep, and what is kept of them here. */
export function newRecoveryCodes(): { codes: string[]; hashes: Buffer[] } {
  const codes = Array.from({ length: COUNT }, () =>
    base32(randomBytes(BYTES), CHARACTERS, CROCKFORD).replace(/.{4}(?=.)/g, "$&-"),
  );
  return { codes, hashes: codes.map((code) => hashOf(plain(code)!)) };
}

/** What would be kept of a code as somebody typed it; null for what is none. */
export function recoveryCodeHash(typed: string): Buffer | null {
  const code = plain(typed);
  return code === null ? null : hashOf(code);
}

/** In any case, with or without dashes and spaces, and with the letters Crockford reads as digits. */
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
    "Each works once, in place of a code of your authenticator app. Keep them where your phone is not.",
    "",
  ].join("\n");
}
