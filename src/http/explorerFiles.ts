import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Asset, EXPLORER_PATH, type Explorer, loadExplorer } from "../graphql/explorer";
import { canonicalAddress } from "../net/addresses";

/** Scripts and workers are files of this server; the editor adds styles as it runs. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";
/** Their names change with their content. */
const FOR_GOOD = "public, max-age=31536000, immutable";

/** Quality 9 makes it 4 percent smaller and takes three times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const COMPRESS = {
  br: (content: Buffer) => promisify(brotliCompress)(content, BROTLI),
  gzip: (content: Buffer) => promisify(gzip)(content),
};
type Encoding = keyof typeof COMPRESS;

/** The explorer's page and files, read and compressed when a browser first asks for them. */
export class ExplorerFiles {
  private loading: Promise<Explorer> | undefined;
  private readonly compressed = new Map<string, Promise<Buffer>>();

  /**
   * @param demoKey A key for the page to open with: the demo's, never another.
   * @param publicUrl Where browsers find this server.
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
   * Whether a browser is at this machine, or asks for the host that the operator named. A neighbour
   * in the network is neither, nor is a page whose name an attacker points here (DNS rebinding).
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

  /** Compressed once, and kept. */
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

/** The files of the explorer, whose page is at /graphql for browsers. */
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

/** Whether a host, as a URL has it, is this machine. */
function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
}

/** What a browser takes (RFC 9110, section 12.5.3), the smaller first; null for neither. */
function encodingFor(accepted = ""): Encoding | null {
  const takes = (name: Encoding) =>
    accepted.split(",").some((one) => {
      const [coding, weight = ""] = one.trim().split(/\s*;\s*/);
      return coding === name && !/^q=0(\.0*)?$/.test(weight);
    });
  if (takes("br")) return "br";
  return takes("gzip") ? "gzip" : null;
}
