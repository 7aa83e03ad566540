import { execFile, execFileSync } from "node:child_process";
import dns from "node:dns";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import {
  createServer as httpServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from "node:http";
import { createServer as httpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { outbound, OutboundFailed } from "../../src/net/outbound";
import { times } from "../support/races";

const inDevelopment = outbound({ production: false, privateHosts: [] });
const inProduction = outbound({ production: true, privateHosts: [] });

interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}
const asked: Asked[] = [];
const servers: Server[] = [];
let url: string;
/** The same over TLS, by a certificate for `localhost` that nobody vouches for. */
let tlsPort: number;
let connections = 0;
const folder = mkdtempSync(join(tmpdir(), "gatehouse-outbound-"));
const certificate = join(folder, "certificate.pem");

const MIB = 1024 * 1024;

/** What the server does with each path; whatever else it echoes. */
const answers: Record<string, RequestListener> = {
  "/silent": () => undefined,
  "/dripping": (_request, reply) => {
    const drip = setInterval(() => reply.write("."), 200);
    reply.once("close", () => clearInterval(drip));
  },
  "/redirect": (_request, reply) => reply.writeHead(302, { location: "/elsewhere" }).end("moved"),
  "/full": (_request, reply) => reply.end("x".repeat(MIB)),
  "/too-large": (_request, reply) => reply.end("x".repeat(MIB + 1)),
  "/endless": (_request, reply) => {
    const more = () => {
      while (!reply.destroyed && reply.write("x".repeat(65_536)));
    };
    reply.on("drain", more);
    more();
  },
  "/compressed": (_request, reply) =>
    reply.setHeader("content-encoding", "gzip").end(gzipSync("x".repeat(20 * MIB))),
  "/hangs-up": (request) => request.socket.destroy(),
  "/breaks-off": (request, reply) => {
    reply.writeHead(200, { "content-length": 100 }).write("half");
    setTimeout(() => request.socket.destroy(), 20);
  },
  "/no-http": (request) => request.socket.end("SSH-2.0-OpenSSH_9.9\r\n"),
  "/upgrade": (_request, reply) =>
    reply.writeHead(101, { connection: "upgrade", upgrade: "websocket" }).end(),
  "/nothing": (_request, reply) => reply.writeHead(204).end(),
  "/cookies": (_request, reply) => reply.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end("{}"),
};

const listener: RequestListener = (request, reply) => {
  const { method = "", url = "", headers } = request;
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const one = { method, url, headers, body: Buffer.concat(parts).toString() };
    asked.push(one);
    const answer = answers[url.split("?")[0]!];
    if (answer) answer(request, reply);
    else reply.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(one));
  });
};

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on("connection", () => connections++);
  // All of this machine's addresses: `localhost` is ::1 to some.
  await new Promise<void>((go) => server.listen(0, go));
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  url = `http://127.0.0.1:${await listening(httpServer(listener))}`;
  const key = join(folder, "key.pem");
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost"],
  ]);
  tlsPort = await listening(
    httpsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, listener),
  );
});
beforeEach(() => {
  asked.length = 0;
  connections = 0;
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((go) => server.close(go));
  }
});

/** Expects a call to fail for this reason, and the error to name the server and nothing more. */
async function expectFailed(call: Promise<unknown>, why: RegExp): Promise<void> {
  const error: unknown = await call.then(
    () => "it did not fail",
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(OutboundFailed);
  expect((error as Error).message).toMatch(why);
  expect(`${(error as Error).stack}`).not.toMatch(/s3cret|\/path/);
}

/**
 * Has every name lead to these addresses, and counts how often one is looked up. (192.31.196.1 is
 * public, and nobody answers there: RFC 7535.)
 */
function leadTo(addresses: (look: number) => string[]): () => number {
  const spy = jest.spyOn(dns, "lookup").mockImplementation((...args: unknown[]) => {
    const give = args.at(-1) as (error: null, found: dns.LookupAddress[]) => void;
    give(
      null,
      addresses(spy.mock.calls.length).map((address) => ({ address, family: 4 })),
    );
  });
  return () => spy.mock.calls.length;
}
afterEach(() => jest.restoreAllMocks());

describe("what is sent", () => {
  it("is what fetch sends, and what came back is a Response", async () => {
    const answer = await inDevelopment(`${url}/path?q=1`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: '{"a":"é"}',
      redirect: "manual",
      signal: new AbortController().signal,
    });

    expect(answer).toBeInstanceOf(Response);
    expect([answer.status, answer.ok]).toEqual([201, true]);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toMatchObject({
      method: "POST",
      url: "/path?q=1",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: '{"a":"é"}',
    });
  });

  it("is a form for a form, bytes for bytes, and nothing where there is nothing", async () => {
    const form = new URLSearchParams({ code: "a b" });
    await inDevelopment(url, { method: "POST", body: form });
    await inDevelopment(url, { method: "PUT", body: new TextEncoder().encode("bytes") });
    await inDevelopment(url);

    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ["POST", "code=a+b"],
      ["PUT", "bytes"],
      ["GET", ""],
    ]);
    expect(asked[0]!.headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded/);
  });

  it("names who calls, and asks for no compression, whatever the caller says", async () => {
    await inDevelopment(url, { headers: { "accept-encoding": "gzip" } });
    await inDevelopment(url, { headers: { "user-agent": "Acme" } });

    expect(asked.map(({ headers }) => headers["accept-encoding"])).toEqual([
      "identity",
      "identity",
    ]);
    expect(asked.map(({ headers }) => headers["user-agent"])).toEqual(["Gatehouse", "Acme"]);
  });
});

describe("an answer", () => {
  it("may be empty, and may have a header twice", async () => {
    const nothing = await inDevelopment(`${url}/nothing`);
    const cookies = await inDevelopment(`${url}/cookies`);

    expect([nothing.status, await nothing.text()]).toEqual([204, ""]);
    expect(cookies.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  it("that leads elsewhere is given as it is, and not followed", async () => {
    const answer = await inDevelopment(`${url}/redirect`);

    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/elsewhere"]);
    expect(await answer.text()).toBe("moved");
    expect(asked.map((one) => one.url)).toEqual(["/redirect"]);
  });

  it("has at most 1 MiB", async () => {
    expect((await (await inDevelopment(`${url}/full`)).text()).length).toBe(MIB);
    for (const path of ["/too-large", "/endless"]) {
      await expectFailed(inDevelopment(url + path), /larger than 1048576 bytes/);
    }
  });

  it("is refused where it is compressed: a little may unfold to a lot", async () => {
    await expectFailed(inDevelopment(`${url}/compressed`), /compressed/);
  });

  it.each(["/hangs-up", "/breaks-off", "/no-http", "/upgrade"])(
    "that is none is a failure, without the query: %s",
    (path) => expectFailed(inDevelopment(`${url}${path}?code=s3cret`), /^GET http:\/\/127.0.0.1/),
  );

  it("has 10 seconds, to its last byte", async () => {
    const started = performance.now();

    await Promise.all(
      ["/silent", "/dripping"].map((path) =>
        expectFailed(inDevelopment(`${url}${path}?code=s3cret`), /longer than 10 seconds/),
      ),
    );

    expect(performance.now() - started).toBeGreaterThan(9_900);
    expect(performance.now() - started).toBeLessThan(14_000);
  });

  it("is awaited no longer than the caller wants to", async () => {
    for (const path of ["/silent", "/dripping"]) {
      const reason = new Error("the caller left");
      const leaving = new AbortController();
      setTimeout(() => leaving.abort(reason), 100);
      const call = inDevelopment(url + path, { signal: leaving.signal });
      await expect(call).rejects.toBe(reason);
    }
    const call = inDevelopment(`${url}/late`, { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(asked.map((one) => one.url)).not.toContain("/late");
  });
});

it.each([
  ["a text that is not a URL", "//path?code=s3cret", /not a URL/],
  ["another protocol", "file:///path?code=s3cret", /must be https or http/],
  ["a user in it", "http://s3cret@127.0.0.1/path", /no user or password/],
  ["a password in it", "http://:s3cret@127.0.0.1/path", /no user or password/],
  ["a server that is away", "http://127.0.0.1:1/path?code=s3cret", /ECONNREFUSED/],
])("refuses %s, without quoting it", (_what, text, why) => expectFailed(inDevelopment(text), why));

it("quotes no header that can't be sent", () =>
  expectFailed(inDevelopment(url, { headers: { authorization: "s3cret\n" } }), /authorization/));

describe("in production", () => {
  it("speaks https alone, also to hosts that may be private", async () => {
    const trusting = outbound({ production: true, privateHosts: ["127.0.0.1"] });
    for (const call of [inProduction(`${url}/path`), trusting(`${url}/path`)]) {
      await expectFailed(call, /must be https/);
    }
    expect(connections).toBe(0);
  });

  it("connects to no name that leads to a private address", async () => {
    await expectFailed(inProduction(`https://localhost:${tlsPort}/path`), /not public/);
    expect(connections).toBe(0);
  });

  it("connects to no name that leads to a private address among public ones", async () => {
    const looks = leadTo(() => ["192.31.196.1", "127.0.0.1"]);
    await expectFailed(inProduction(`https://mixed.example:${tlsPort}/path`), /not public/);
    expect([looks(), connections]).toEqual([1, 0]);
  });

  it("connects to the address that was checked, whatever the name leads to a moment later", async () => {
    const looks = leadTo((look) => [look === 1 ? "192.31.196.1" : "127.0.0.1"]);
    const signal = AbortSignal.timeout(500);
    const call = inProduction(`https://rebinding.example:${tlsPort}/path`, { signal });
    await expect(call).rejects.toBeDefined();
    expect([looks(), connections]).toEqual([1, 0]);
  });

  it.each([
    ...["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "１２７.0.0.1"],
    ...["0", "0.0.0.0", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255"],
    ...["127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8"],
    ...["192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255"],
    ...["198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"],
    ...["255.255.255.255", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
    ...["[::ffff:8.8.8.8]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[100::1]"],
    ...["[2001::1]", "[2001:1ff:ffff::1]", "[2001:db8::1]", "[2002:7f00:1::]", "[3fff:fff::1]"],
    ...["[5f00::1]", "[fc00::1]", "[fdff::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]"],
  ])("connects to no address that is not public: %s", async (host) => {
    await expectFailed(inProduction(`https://${host}:${tlsPort}/path`), /not public/);
    expect(connections).toBe(0);
  });

  it.each([
    ...["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
    ...["128.0.0.0", "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0"],
    ...["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255"],
    ...[
      "223.255.255.255",
      "[2000::1]",
      "[2001:200::1]",
      "[2001:4860:4860::8888]",
      "[2606:4700::1]",
    ],
    ...["[3fff:1000::1]", "[2003::1]"],
  ])("has nothing against what is public: %s", async (host) => {
    const signal = AbortSignal.abort("let through");
    await expect(inProduction(`https://${host}/`, { signal })).rejects.toBe("let through");
  });

  it("takes no certificate that nobody vouches for, whatever the environment says", async () => {
    const trusting = outbound({ production: true, privateHosts: ["localhost"] });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await expectFailed(trusting(`https://localhost:${tlsPort}/path`), /certificate/);
      await expectFailed(inDevelopment(`https://localhost:${tlsPort}/path`), /certificate/);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
    expect(asked).toEqual([]);
  });

  it("connects to private hosts that the operator names, by a certificate for that name", async () => {
    // Whom Node trusts is read as it starts.
    const script = `
      const { outbound } = require(${JSON.stringify(join(__dirname, "../../src/net/outbound.ts"))});
      const call = outbound({ production: true, privateHosts: ["localhost", "127.0.0.1"] });
      const say = (host) => call("https://" + host + ":${tlsPort}/nothing").then(
        ({ status }) => console.log(host, status), ({ message }) => console.log(host, message));
      say("LOCALHOST").then(() => say("127.0.0.1"));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--require", "tsx/cjs", "--eval", script],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate } },
    );

    const [byName, byAddress] = stdout.split("\n");
    expect(byName).toBe("LOCALHOST 204");
    expect(byAddress).toMatch(/^127\.0\.0\.1 .*IP does not match/);
  });
});

it("keeps no connection for whoever comes next", async () => {
  for (const path of times(3, (i) => `/${i}`)) await inDevelopment(url + path);
  expect(connections).toBe(3);
});
