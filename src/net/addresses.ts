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

/** An address in `X-Forwarded-For` without the port that some proxies write there (Azure's). */
export function withoutPort(text: string): string {
  const [, ipv4, ipv6] =
    /^(?:(\d+\.\d+\.\d+\.\d+)|\[([\da-f]*:[\da-f:.]*)\]):\d{1,5}$/i.exec(text.trim()) ?? [];
  return ipv4 ?? ipv6 ?? text;
}

/**
 * The network that one household or server has: an IPv4 address, and of IPv6 the first 64 bits,
 * since whoever has one address there has all of them (RFC 6177).
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head, tail] = address.split("::") as [string, string?];
  const groups = head ? head.split(":") : [];
  if (tail !== undefined) {
    // An IPv4 address at the end takes the place of two groups.
    const after = tail ? tail.split(":").length + (tail.includes(".") ? 1 : 0) : 0;
    groups.push(...Array<string>(8 - groups.length - after).fill("0"), ...tail.split(":"));
  }
  const prefix = groups.slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${prefix.join(":")}::/64`;
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
