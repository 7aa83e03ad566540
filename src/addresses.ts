import { isIP } from "node:net";

/**
 * The one way an address is written here: as `net.isIP` takes it, IPv4 never in the clothes of
 * IPv6 (`::ffff:192.0.2.1`), without a zone. Null for anything else, such as octal or hex (R5).
 */
export function canonicalAddress(text: string): string | null {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  const address = mapped ?? text;
  if (!isIP(address) || address.includes("%")) return null;
  return address.toLowerCase();
}

/** A range in CIDR notation, or one address; null for anything else. */
export function canonicalRange(text: string): string | null {
  const [host, bits, ...rest] = text.split("/");
  const address = canonicalAddress(host!);
  if (!address || rest.length) return null;
  if (bits === undefined) return address;
  const most = isIP(address) === 4 ? 32 : 128;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? `${address}/${bits}` : null;
}
