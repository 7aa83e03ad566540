import { type ChildProcess, spawn } from "node:child_process";
import { createHash, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { Browser, type Page } from "./browser";
import type { Served } from "./http";

export const PUBLIC_URL = "https://id.example.com";
export const APP_URL = "https://app.example.com";
export const CLIENT = { id: "gatehouse", secret: "only-gatehouse-knows" };
export const SESSION_COOKIE = "__Host-gatehouse_session";
export const FLOW_COOKIE = "__Host-gatehouse_flow";

/** What the settings of a server are, with Google and GitHub at these addresses. */
export const settingsFor = (google: string, github: string): Record<string, string> => ({
  GATEHOUSE_PUBLIC_URL: PUBLIC_URL,
  GATEHOUSE_APP_URL: APP_URL,
  GATEHOUSE_GOOGLE_CLIENT_ID: CLIENT.id,
  GATEHOUSE_GOOGLE_CLIENT_SECRET: CLIENT.secret,
  GATEHOUSE_GOOGLE_ISSUER: google,
  GATEHOUSE_GITHUB_CLIENT_ID: CLIENT.id,
  GATEHOUSE_GITHUB_CLIENT_SECRET: CLIENT.secret,
  GATEHOUSE_GITHUB_URL: github,
});

/** A browser that finds the server at its public address. */
export const browserAt = (server: Served, headers: Record<string, string> = {}) =>
  new Browser({ [PUBLIC_URL]: server.url }, APP_URL, headers);

export const startAt = (provider: string, returnTo = "/welcome") =>
  `${PUBLIC_URL}/sign-in/${provider}?returnTo=${encodeURIComponent(returnTo)}`;

export interface OpenidProvider {
  issuer: string;
  stop(): void;
}

/** `oidc-provider` as a process of its own. */
export async function startOpenidProvider(): Promise<OpenidProvider> {
  const redirectUri = `${PUBLIC_URL}/sign-in/google/callback`;
  const script = join(__dirname, "openidProvider.mjs");
  const child: ChildProcess = spawn(
    process.execPath,
    [script, redirectUri, CLIENT.id, CLIENT.secret],
    // It warns of what makes it unfit for anything but tests.
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const issuer = await new Promise<string>((done, failed) => {
    let said = "";
    child.stderr!.on("data", (text: Buffer) => (said += text.toString()));
    child.stdout!.on("data", (text: Buffer) => {
      said += text.toString();
      const [, url] = /^(http:\/\/\S+)\n/m.exec(said) ?? [];
      if (url) done(url);
    });
    child.once("exit", () => failed(new Error(`The OpenID provider has ended: ${said}`)));
  });
  return { issuer, stop: () => void child.kill() };
}

/** Signs in at the provider as somebody, from the page that the browser was sent to. */
export async function signInThere(
  browser: Browser,
  page: Page,
  who: { sub: string; email: string; verified?: boolean; name?: string },
): Promise<Page> {
  const login = [
    who.sub,
    who.email,
    String(who.verified ?? true),
    ...(who.name === undefined ? [] : [encodeURIComponent(who.name)]),
  ].join("~");
  const consent = await browser.submit(page, { login, password: "any" });
  return consent.text.includes("<form") ? browser.submit(consent, {}) : consent;
}

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/**
 * A provider that is as good or bad as a test makes it: Google's endpoints, and GitHub's. Nobody
 * signs in there: `codeFor` gives what it would have sent the browser back with.
 */
export class HostileProvider {
  /** Instead of what it answers at a path by itself. */
  readonly answers = new Map<string, Answer>();
  /** Instead of what an ID token says. */
  claims: Record<string, unknown> = {};
  header: Record<string, unknown> = {};
  /** What GitHub's API says. */
  user: unknown = { id: 583231, login: "octocat", name: "Mona Lisa" };
  emails: unknown = [];
  /** What was asked: paths, and the bodies that came with them. */
  readonly asked: { path: string; body: string }[] = [];
  /** Signs as the key that it publishes, unless told otherwise. */
  sign: (input: string) => string = (input) => this.signWith(this.keys.privateKey, input);

  readonly keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  private readonly codes = new Map<string, URL>();
  private made = 0;
  private readonly server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const path = request.url!.split("?", 1)[0]!;
      this.asked.push({ path, body });
      (this.answers.get(path) ?? this.answer)(request, response, body);
    });
  });
  url = "";

  async listen(): Promise<void> {
    await new Promise<void>((go) => this.server.listen(0, "127.0.0.1", go));
    this.url = `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((go) => this.server.close(go));
  }

  /** As it was at first. */
  reset(): void {
    this.answers.clear();
    this.asked.length = 0;
    this.claims = {};
    this.header = {};
    this.sign = (input) => this.signWith(this.keys.privateKey, input);
  }

  signWith(key: KeyObject, input: string): string {
    return createSign("sha256").update(input).sign(key, "base64url");
  }

  /** The parameters that somebody comes back with who has agreed to this request. */
  codeFor(authorization: URL): URLSearchParams {
    const code = `code-${++this.made}`;
    this.codes.set(code, authorization);
    return new URLSearchParams({ code, state: authorization.searchParams.get("state")! });
  }

  readonly answer: Answer = (request, response, body) => {
    const path = request.url!.split("?", 1)[0]!;
    switch (path) {
      case "/.well-known/openid-configuration":
        return json(response, {
          issuer: this.url,
          authorization_endpoint: `${this.url}/authorize`,
          token_endpoint: `${this.url}/token`,
          jwks_uri: `${this.url}/jwks`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
        });
      case "/jwks": {
        const key = this.keys.publicKey.export({ format: "jwk" });
        return json(response, { keys: [{ ...key, kid: "1", use: "sig", alg: "RS256" }] });
      }
      case "/token":
      case "/login/oauth/access_token": {
        const authorization = this.redeem(new URLSearchParams(body));
        if (!authorization) return json(response, { error: "invalid_grant" }, 400);
        const token = { access_token: "an-access-token", token_type: "bearer" };
        const id_token = path === "/token" ? { id_token: this.idToken(authorization) } : {};
        return json(response, { ...token, ...id_token });
      }
      case "/api/v3/user":
        return json(response, this.user, this.isBearer(request) ? 200 : 401);
      case "/api/v3/user/emails":
        return json(response, this.emails, this.isBearer(request) ? 200 : 401);
      default:
        return json(response, { message: "Not Found" }, 404);
    }
  };

  private isBearer({ headers }: IncomingMessage): boolean {
    return /^bearer an-access-token$/i.test(headers.authorization ?? "");
  }

  /** A code works once, for whom it was made (RFC 6749, section 4.1.3; RFC 7636, section 4.6). */
  private redeem(given: URLSearchParams): URL | null {
    const authorization = this.codes.get(given.get("code") ?? "");
    if (!authorization) return null;
    const asked = authorization.searchParams;
    const verifier = createHash("sha256").update(given.get("code_verifier") ?? "");
    const good =
      given.get("client_id") === CLIENT.id &&
      given.get("client_secret") === CLIENT.secret &&
      given.get("redirect_uri") === asked.get("redirect_uri") &&
      asked.get("code_challenge_method") === "S256" &&
      asked.get("code_challenge") === verifier.digest("base64url");
    if (!good) return null;
    this.codes.delete(given.get("code")!);
    return authorization;
  }

  private idToken(authorization: URL): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: this.url,
      aud: CLIENT.id,
      sub: "1",
      iat: now,
      exp: now + 300,
      nonce: authorization.searchParams.get("nonce"),
      ...this.claims,
    };
    const encoded = [{ alg: "RS256", kid: "1", ...this.header }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url"),
    );
    const input = encoded.join(".");
    return `${input}.${this.sign(input)}`;
  }
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Begins, and gives where the provider was asked from, without going there. */
export async function begin(browser: Browser, provider: string, returnTo?: string): Promise<URL> {
  const page = await browser.ask(startAt(provider, returnTo));
  const location = page.headers.get("location");
  if (!location) throw new Error(`${page.status}: ${page.text}`);
  return new URL(location);
}

/** Comes back with these parameters, and gives the address in the frontend it leads to. */
export async function comeBack(
  browser: Browser,
  provider: string,
  parameters: URLSearchParams,
): Promise<string> {
  const url = `${PUBLIC_URL}/sign-in/${provider}/callback?${parameters.toString()}`;
  const page = await browser.ask(url);
  return page.headers.get("location") ?? `${page.status}: ${page.text}`;
}
