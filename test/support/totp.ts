import { createHmac } from "node:crypto";

/** The code of a moment, straight from RFC 4226 (section 5.3) and RFC 6238: none of our own code. */
export function codeAt(secret: Buffer, moment: Date | number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Number(moment) / 30_000)));
  const hmac = createHmac("sha1", secret).update(counter).digest();
  const offset = hmac.at(-1)! & 0xf;
  const number = hmac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** What an app reads from base 32 (RFC 4648, section 6). */
export function fromBase32(text: string): Buffer {
  let bits = 0n;
  for (const letter of text) {
    bits = (bits << 5n) | BigInt("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter));
  }
  return Buffer.from(bits.toString(16).padStart((text.length * 5) / 4, "0"), "hex");
}

/** A code that is not this secret's now, nor next to it. */
export function wrongCode(secret: Buffer): string {
  const now = Date.now();
  const right = [-60_000, -30_000, 0, 30_000, 60_000].map((ms) => codeAt(secret, now + ms));
  return ["000000", "111111", "222222", "333333", "444444", "555555"].find(
    (code) => !right.includes(code),
  )!;
}
