import { lookup as resolve } from "node:dns";
import { type IncomingMessage, request as overHttp } from "node:http";
import { request as overHttps } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";

const LONGEST_MS = 10_000;
const MOST_BYTES = 1024 * 1024;

/** `fetch`, as far as calls to other servers need it, and openid-client's `customFetch`. */
export type Fetch = (
  url: string,
  options?: {
    method?: string;
    headers?: Record<string, string>;
    body?: ConstructorParameters<typeof Response>[0];
    /** Accepted as `fetch` accepts it. Redirects are never followed. */
    redirect?: "manual";
    signal?: AbortSignal;
  },
) => Promise<Response>;

/**
 * There was no answer, or one that is refused. The message names the server, and not the rest of the URL:
 * queries hold codes, and the paths of webhooks are secrets.
 */
export class OutboundFailed extends Error {}

/**
 * Makes the function by which all calls to other servers are made. Other people often choose the URL (a
 * provider's metadata, a webhook), so it must not reach servers that only this machine can reach. In
 * production it calls public addresses by https only, except the hosts that the operator names. It connects
 * to the address that it has checked, as the name may have another one a moment later. It follows no
 * redirects. A call takes at most 10 seconds and 1 MiB.
 *
 * A call rejects with `OutboundFailed`, or with the reason of the signal that aborted it.
 */
export function outbound({
  production,
  privateHosts,
}: {
  production: boolean;
  /** In the spelling of URLs. */
  privateHosts: readonly string[];
}): Fetch {
  return async (text, { method = "GET", headers = {}, body, signal } = {}) => {
    if (!URL.canParse(text)) throw new OutboundFailed("This text is no URL.");
    const url = new URL(text);
    const { protocol, hostname, origin } = url;
    const failed = (why: string, cause?: unknown) =>
      new OutboundFailed(`${method} ${origin} failed: ${why}.`, { cause });
    if (protocol !== "https:" && (production || protocol !== "http:")) {
      throw failed(`it must be https${production ? "" : " or http"}`);
    }
    if (url.username || url.password) throw failed("its URL must have no user or password");
    const bounded = production && !privateHosts.includes(hostname);
    // Node connects to a literal address without a look-up, so it is checked here.
    const literal = hostname.replace(/^\[|\]$/g, "");
    if (bounded && isIP(literal) && !isPublic(literal)) throw failed(NOT_PUBLIC);

    const time = AbortSignal.timeout(LONGEST_MS);
    try {
      const sent = new Response(body);
      const type = sent.headers.get("content-type");
      const options = {
        method,
        headers: {
          "user-agent": "Gatehouse",
          ...(type && { "content-type": type }),
          ...headers,
          "accept-encoding": "identity",
        },
        signal: signal ? AbortSignal.any([signal, time]) : time,
        // No shared connections: one that another part of the process has opened was not checked.
        agent: false as const,
        // Even if NODE_TLS_REJECT_UNAUTHORIZED turns it off.
        rejectUnauthorized: true,
        ...(bounded && { lookup: lookUpPublic }),
      };
      const bytes = Buffer.from(await sent.arrayBuffer());
      const answer = await new Promise<IncomingMessage>((give, fail) => {
        const call = protocol === "https:" ? overHttps : overHttp;
        const request = call(url, options, give).on("error", fail);
        // Node closes the connection without an error where the server switches protocols (101).
        request.on("close", () => fail(new Error("the connection was closed without an answer")));
        request.end(bytes);
      });
      return await read(answer);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (time.aborted) throw failed(`it took longer than ${LONGEST_MS / 1000} seconds`, error);
      const { message, code } = error as NodeJS.ErrnoException;
      throw failed(message || code!, error);
    }
  };
}

async function read(answer: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0, headersDistinct } = answer;
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  try {
    const { "content-encoding": encoding = "identity" } = answer.headers;
    if (encoding !== "identity")
      throw new Error("the answer is compressed, which was not asked for");
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of answer as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > MOST_BYTES) throw new Error(`the answer is larger than ${MOST_BYTES} bytes`);
      parts.push(part);
    }
    return new Response(bytes ? Buffer.concat(parts) : null, { status, headers });
  } finally {
    answer.destroy();
  }
}

/** Looks a name up for a connection, and refuses addresses that are not public. */
const lookUpPublic: LookupFunction = (hostname, options, give) => {
  resolve(hostname, { ...options, all: true }, (error, addresses = []) => {
    // One address that is not public is enough to refuse: mixing them in is how an attack looks.
    const refused =
      error ?? (addresses.every(({ address }) => isPublic(address)) ? null : notPublic());
    const [first] = addresses;
    if (refused || !first) return give(refused, "", 0);
    if (options.all) give(null, addresses);
    else give(null, first.address, first.family);
  });
};

const NOT_PUBLIC = "its address is not public";
const notPublic = () => new Error(NOT_PUBLIC);

/**
 * The addresses that are not for the public Internet by IANA's registries of special-purpose addresses
 * (RFC 6890, https://www.iana.org/assignments/iana-ipv4-special-registry), and multicast. Of IPv6 these are
 * all but global unicast (RFC 4291, section 2.4), so IPv4 addresses that are embedded in IPv6 are refused.
 */
const NOT_PUBLIC_RANGES = {
  ipv4: [
    ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"],
    ...["172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"],
    ...["198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"],
  ],
  // Of 2000::/3: protocols (Teredo, ORCHID), documentation, 6to4, documentation.
  ipv6: [
    ...["::/3", "4000::/2", "8000::/1"],
    ...["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"],
  ],
};

/** A list for each family. In one list, `::/3` would contain all of IPv4, as ::ffff:0:0/96. */
const listOf = (family: "ipv4" | "ipv6") => {
  const list = new BlockList();
  for (const range of NOT_PUBLIC_RANGES[family]) {
    const [network, bits] = range.split("/") as [string, string];
    list.addSubnet(network, Number(bits), family);
  }
  return list;
};
const LISTS = { ipv4: listOf("ipv4"), ipv6: listOf("ipv6") };

function isPublic(address: string): boolean {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  // A BlockList does not block an address that it can't parse, such as one with a zone.
  return !address.includes("%") && !LISTS[family].check(address, family);
}
