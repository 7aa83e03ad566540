import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** Crockford's base 32 in lower case, as TypeIDs use it: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** What a token is for, and how it begins: secret scanners find it by this. */
export const TOKEN_PREFIX = {
  API_KEY: "gak",
  AUTHTOKEN: "gat",
  SESSION: "gas",
  /** Works once: for a link in a mail. */
  ONE_TIME: "got",
} as const;
export type TokenKind = keyof typeof TOKEN_PREFIX;
/** Those that belong to a person and name no account. */
const PERSONAL: ReadonlySet<TokenKind> = new Set(["SESSION", "ONE_TIME"]);

const SECRET_CHARS = 52;
const CHECK_CHARS = 7;
const SHAPE = new RegExp(
  `^(${Object.values(TOKEN_PREFIX).join("|")})(?:_([${ALPHABET}]{26}))?_([${ALPHABET}]{${SECRET_CHARS + CHECK_CHARS}})$`,
);

export interface Token {
  kind: TokenKind;
  /** The account whose rows to look among; null for what belongs to a person. */
  accountId: string | null;
  hash: Buffer;
}

/**
 * A new secret: `gak_<account>_<52 characters of 256 random bits><7 of checksum>`.
 *
 * The account part tells where to look before anything is looked up; the checksum (CRC-32 of
 * all that stands before it) tells a mistyped or cut token from an unknown one without asking
 * the database, and a scanner's find from a coincidence.
 */
export function newToken(
  kind: TokenKind,
  accountId: string | null,
): { text: string; hash: Buffer } {
  const account = accountId ? `${accountId.slice(accountId.indexOf("_") + 1)}_` : "";
  const start = `${TOKEN_PREFIX[kind]}_${account}${base32(randomBytes(32), SECRET_CHARS)}`;
  const text = start + checksum(start);
  return { text, hash: hashOf(text) };
}

/** Reads a token as it was sent; null when no token was ever made like this. */
export function parseToken(text: string): Token | null {
  const [, prefix, account] = SHAPE.exec(text) ?? [];
  const kind = (Object.keys(TOKEN_PREFIX) as TokenKind[]).find((k) => TOKEN_PREFIX[k] === prefix);
  if (!kind || PERSONAL.has(kind) === Boolean(account)) return null;
  const end = text.length - CHECK_CHARS;
  if (checksum(text.slice(0, end)) !== text.slice(end)) return null;
  return { kind, accountId: account ? `ac_${account}` : null, hash: hashOf(text) };
}

/** 256 random bits need no slow hash: there is nothing to guess. */
export function hashOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base32(bytes, CHECK_CHARS);
}

/** The bytes as one big-endian number in base 32, padded on the left. */
function base32(bytes: Buffer, length: number): string {
  let bits = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (let i = 0; i < length; i++, bits >>= 5n) text = ALPHABET[Number(bits & 31n)]! + text;
  return text;
}
