import { isIP } from "node:net";
import { IPv4, IPv6, parse as parseAddress } from "ipaddr.js";

/**
 * The form in which an address is stored and compared: IPv4-mapped IPv6 becomes IPv4, and IPv6 is written
 * as RFC 5952 says. Null for what `net.isIP` refuses, such as octal or hex, and for an address with a
 * zone (R5).
 */
export function canonicalAddress(text: string): string | null {
  const version = isIP(text);
  if (version === 4) return text; // `net.isIP` accepts one spelling only
  if (!version || text.includes("%")) return null;
  const address = parse(text) as IPv6;
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toRFC5952String();
}

/**
 * ipaddr.js mistakes `::192.0.2.1`, which is IPv4-compatible, for the IPv4-mapped `::ffff:192.0.2.1`. So
 * an IPv4 address at the end of IPv6 is passed to it as two groups.
 */
function parse(text: string): IPv4 | IPv6 {
  const [, head, tail] = /^(.*:)([\d.]+\.\d+)$/.exec(text) ?? [];
  if (!head || !tail) return parseAddress(text);
  const [a, b, c, d] = tail.split(".").map(Number) as [number, number, number, number];
  return parseAddress(`${head}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`);
}

/** An address in `X-Forwarded-For` without the port that some proxies write there, such as Azure's. */
export function withoutPort(text: string): string {
  const [, ipv4, ipv6] =
    /^(?:(\d+\.\d+\.\d+\.\d+)|\[([\da-f]*:[\da-f:.]*)\]):\d{1,5}$/i.exec(text.trim()) ?? [];
  return ipv4 ?? ipv6 ?? text;
}

/**
 * The network of one household or server: an IPv4 address, or the first 64 bits of an IPv6 address. One
 * subscriber has all addresses of such a network (RFC 6177).
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  return `${IPv6.networkAddressFromCIDR(`${parse(address).toString()}/64`).toRFC5952String()}/64`;
}

/** A range in CIDR notation without host bits, or one address; null for anything else. */
export function canonicalRange(text: string): string | null {
  const [host, bits, ...rest] = text.split("/");
  const address = canonicalAddress(host!);
  if (!address || rest.length) return null;
  if (bits === undefined) return address;
  if (!/^\d{1,3}$/.test(bits)) return null;
  // An IPv4-mapped range has 96 bits before those of IPv4.
  const mapped = isIP(address) !== isIP(host!);
  const length = Number(bits) - (mapped ? 96 : 0);
  const parsed = parse(address);
  if (length < 0 || length > parsed.toByteArray().length * 8) return null;
  const range = `${address}/${length}`;
  const network =
    parsed instanceof IPv6
      ? IPv6.networkAddressFromCIDR(range).toRFC5952String()
      : IPv4.networkAddressFromCIDR(range).toString();
  return network === address ? range : null;
}
