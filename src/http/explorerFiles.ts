import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Asset, EXPLORER_PATH, type Explorer, loadExplorer } from "../graphql/explorer";
import { canonicalAddress } from "../net/addresses";

/** Scripts and workers are files of this server. The editor adds inline styles. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";
/** A file's name changes with its content, so browsers may cache it forever. */
const FOR_GOOD = "public, max-age=31536000, immutable";

/** Quality 9 would make files 4 percent smaller and take three times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const COMPRESS = {
  br: (content: Buffer) => promisify(brotliCompress)(content, BROTLI),
  gzip: (content: Buffer) => promisify(gzip)(content),
};
type Encoding = keyof typeof COMPRESS;

/** The explorer's page and files. They are loaded and compressed at the first request. */
export class ExplorerFiles {
  private loading: Promise<Explorer> | undefined;
  private readonly compressed = new Map<string, Promise<Buffer>>();

  /**
   * @param demoKey The demo's API key, which the page may have in its headers; no other key.
   * @param publicUrl The URL by which browsers reach this server.
   */
  constructor(
    private readonly demoKey: string | undefined,
    private readonly publicUrl: string,
  ) {}

  async sendPage(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const explorer = await this.load();
    const key = this.mayHaveKey(request) ? this.demoKey : undefined;
    return reply
      .header("content-security-policy", PAGE_POLICY)
      .type("text/html; charset=utf-8")
      .send(explorer.page(key ?? "<API key>"));
  }

  /**
   * Whether a browser runs on this machine, or asks for the host that the operator has configured. A
   * computer in the same network does neither. Nor does a page whose host name an attacker points at this
   * machine (DNS rebinding).
   */
  private mayHaveKey({ ip, headers: { host = "" } }: FastifyRequest): boolean {
    const asked = host.toLowerCase();
    const { host: named, hostname } = new URL(this.publicUrl);
    if (asked === named && !isLoopback(hostname)) return true;
    return isLoopback(asked.replace(/:\d+$/, "")) && isLoopback(canonicalAddress(ip) ?? "");
  }

  async find(name: string): Promise<Asset | undefined> {
    return (await this.load()).assets.get(name);
  }

  /** Compresses each file once. */
  compress({ name, content }: Asset, encoding: Encoding): Promise<Buffer> {
    const key = `${encoding} ${name}`;
    let compressed = this.compressed.get(key);
    if (!compressed) this.compressed.set(key, (compressed = COMPRESS[encoding](content)));
    return compressed;
  }

  private load(): Promise<Explorer> {
    return (this.loading ??= loadExplorer());
  }
}

/** Serves the explorer's files. Its page is at /graphql, for browsers. */
export function explorerFiles(
  app: FastifyInstance,
  { files }: { files: ExplorerFiles },
  done: () => void,
): void {
  app.get<{ Params: { name: string } }>(`${EXPLORER_PATH}/:name`, async (request, reply) => {
    const asset = await files.find(request.params.name);
    if (!asset) return reply.callNotFound();
    void reply.type(asset.type).headers({ "cache-control": FOR_GOOD, vary: "accept-encoding" });
    const encoding = encodingFor(request.headers["accept-encoding"]);
    if (!encoding) return reply.send(asset.content);
    return reply.header("content-encoding", encoding).send(await files.compress(asset, encoding));
  });
  done();
}

/** Whether a host is this machine, in the spelling of URLs. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
}

/** The best encoding that a browser accepts (RFC 9110, section 12.5.3); null for none. */
function encodingFor(accepted = ""): Encoding | null {
  const takes = (name: Encoding) =>
    accepted.split(",").some((one) => {
      const [coding, weight = ""] = one.trim().split(/\s*;\s*/);
      return coding === name && !/^q=0(\.0*)?$/.test(weight);
    });
  if (takes("br")) return "br";
  return takes("gzip") ? "gzip" : null;
}
