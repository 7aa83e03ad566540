import { hash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { base32, CROCKFORD } from "./base32";

/** The beginning of a token says what it is for. Secret scanners find tokens by it. */
export const TOKEN_PREFIX = {
  API_KEY: "gak",
  AUTHTOKEN: "gat",
  SESSION: "gas",
  /** Works once: for a link in a mail, a challenge, or the way to a provider and back. */
  ONE_TIME: "got",
} as const;
export type TokenKind = keyof typeof TOKEN_PREFIX;
/** Tokens that belong to a user and name no account. */
const PERSONAL: ReadonlySet<TokenKind> = new Set(["SESSION", "ONE_TIME"]);

const SECRET_CHARS = 52;
const CHECK_CHARS = 7;
const SHAPE = new RegExp(
  `^(${Object.values(TOKEN_PREFIX).join("|")})(?:_([${CROCKFORD}]{26}))?_([${CROCKFORD}]{${SECRET_CHARS + CHECK_CHARS}})$`,
);

export interface Token {
  kind: TokenKind;
  /** The account that has the credential's row; null for a token that belongs to a user. */
  accountId: string | null;
  hash: Buffer;
}

/**
 * A new secret: `gak_<account>_<52 characters of 256 random bits><7 of checksum>`.
 *
 * The account part says in which account to look the row up. The checksum (CRC-32 of all before it) tells
 * a mistyped or cut token from an unknown one without a look-up in the database, and it tells a secret
 * scanner that a match is a real token.
 */
export function newToken(
  kind: TokenKind,
  accountId: string | null,
): { text: string; hash: Buffer } {
  const account = accountId ? `${accountId.slice(accountId.indexOf("_") + 1)}_` : "";
  const start = `${TOKEN_PREFIX[kind]}_${account}${base32(randomBytes(32), SECRET_CHARS, CROCKFORD)}`;
  const text = start + checksum(start);
  return { text, hash: hashOf(text) };
}

/** Parses a token; null for a text that can't be one. */
export function parseToken(text: string): Token | null {
  const [, prefix, account] = SHAPE.exec(text) ?? [];
  const kind = (Object.keys(TOKEN_PREFIX) as TokenKind[]).find((k) => TOKEN_PREFIX[k] === prefix);
  if (!kind || PERSONAL.has(kind) === Boolean(account)) return null;
  const end = text.length - CHECK_CHARS;
  if (checksum(text.slice(0, end)) !== text.slice(end)) return null;
  return { kind, accountId: account ? `ac_${account}` : null, hash: hashOf(text) };
}

/** The hash that is stored of a token. A fast one will do: 256 random bits can't be guessed. */
export function hashOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base32(bytes, CHECK_CHARS, CROCKFORD);
}
