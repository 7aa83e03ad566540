import { domainToASCII } from "node:url";
import { z } from "zod";

/** RFC 5321, section 4.5.3.1.1: bytes of the part before the `@`. */
const MOST_LOCAL_BYTES = 64;
/** RFC 5321, section 4.5.3.1.3: a path of 256 bytes has two angle brackets. */
const MOST_BYTES = 254;

/** RFC 1123, section 2.1: two labels or more, the last of which is no number. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
/** What a URL would end a host with or decode in it: no domain has it, and `domainToASCII` is for URLs. */
const NOT_IN_A_DOMAIN = /[\s/?#\\:%@[\]<>^|]/;

const localPart = z.email();

/**
 * An email address as it is kept and compared: in lower case, with its domain in ASCII form (UTS 46),
 * so that `Ada@Exämple.com` and `ada@xn--exmple-cua.com` are one; null for a text that is none. The
 * Unicode form is shown nowhere: letters of two scripts can look alike.
 */
export function emailOf(text: string): string | null {
  const typed = text.trim();
  const at = typed.lastIndexOf("@");
  const local = typed.slice(0, Math.max(at, 0)).toLowerCase();
  const domain = typed.slice(at + 1);
  if (NOT_IN_A_DOMAIN.test(domain) || Buffer.byteLength(local) > MOST_LOCAL_BYTES) return null;
  const ascii = domainToASCII(domain);
  if (!DOMAIN.test(ascii) || !localPart.safeParse(`${local}@example.com`).success) return null;
  const email = `${local}@${ascii}`;
  return Buffer.byteLength(email) <= MOST_BYTES ? email : null;
}

/**
 * The same of what somebody signs in with. A text that is no address has no user, and is compared all
 * the same: an address that was taken when the rules were others still signs in.
 */
export function emailTyped(text: string): string {
  return emailOf(text) ?? text.trim().toLowerCase();
}
