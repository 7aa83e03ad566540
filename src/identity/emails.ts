import { domainToASCII } from "node:url";
import { z } from "zod";

/** RFC 5321, section 4.5.3.1.1: bytes of the part before the `@`. */
const MOST_LOCAL_BYTES = 64;
/** RFC 5321, section 4.5.3.1.3: a path of 256 bytes has two angle brackets. */
const MOST_BYTES = 254;

/** RFC 1123, section 2.1: two labels or more. The last one does not begin with a digit. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;
/**
 * Characters that no domain has, and at which a URL would end its host or decode it: `domainToASCII`
 * parses its text as a URL does.
 */
const NOT_IN_A_DOMAIN = /[\s/?#\\:%@[\]<>^|]/;

const localPart = z.email();

/**
 * An email address as it is stored and compared: in lower case, with its domain in ASCII form (UTS 46).
 * So `Ada@Exämple.com` and `ada@xn--exmple-cua.com` are the same. Null for a text that is no address. The
 * Unicode form is never shown, as letters of two scripts can look alike.
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
 * The email that a caller signs in with, as it is compared. A text that is no address is compared too: a
 * user whose address was accepted by older rules can still sign in.
 */
export function emailTyped(text: string): string {
  return emailOf(text) ?? text.trim().toLowerCase();
}
