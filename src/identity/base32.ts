/** Crockford's alphabet in lower case, as in TypeIDs: without i, l, o and u. */
export const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
/** RFC 4648, section 6. */
export const RFC4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The bytes as one big-endian number in base 32, padded on the left. */
export function base32(bytes: Buffer, length: number, alphabet: string): string {
  let bits = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (let i = 0; i < length; i++, bits >>= 5n) text = alphabet[Number(bits & 31n)]! + text;
  return text;
}
