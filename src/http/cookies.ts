import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Browser } from "../context/browser";
import { ABSOLUTE_MS } from "../identity/sessions";
import { hashOf } from "../identity/tokens";
import { type Language, preferredLanguage } from "../mails/languages";

/** `__Host-`: only over TLS (or on localhost), only to this host, from its root (RFC 6265bis). */
const SESSION_COOKIE = "__Host-gatehouse_session";
const SESSION_LASTS_SECONDS = ABSOLUTE_MS / 1000;
/** Recognizes a browser when its user signs in again. It opens nothing, and lasts as long as browsers allow. */
const DEVICE_COOKIE = "__Host-gatehouse_device";
const DEVICE_LASTS_SECONDS = 400 * 24 * 60 * 60;
/** Holds the secret of a browser that went to GitHub or Google, until it comes back. */
const FLOW_COOKIE = "__Host-gatehouse_flow";
const FLOW_LASTS_SECONDS = 10 * 60;

const ATTRIBUTES = { path: "/", httpOnly: true, secure: true, sameSite: "lax" } as const;

/** The token in a request's session cookie. */
export function sessionCookieOf({ cookies }: FastifyRequest): string | undefined {
  return cookies[SESSION_COOKIE];
}

/** What a browser stores for the server, in cookies of this request and of its answer. */
export class CookieBrowser implements Browser {
  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {}

  get sentSession(): boolean {
    const { headers } = this.request;
    return headers.authorization === undefined && sessionCookieOf(this.request) !== undefined;
  }

  get language(): Language {
    return preferredLanguage(this.request.headers["accept-language"]);
  }

  keepSession(token: string): void {
    this.keep(SESSION_COOKIE, token, SESSION_LASTS_SECONDS);
  }

  forgetSession(): void {
    // A request with its token in a header may also have the cookie of another session.
    if (this.sentSession) this.forget(SESSION_COOKIE);
  }

  get flowSecret(): string | null {
    return this.request.cookies[FLOW_COOKIE] ?? null;
  }

  keepFlow(secret: string): void {
    this.keep(FLOW_COOKIE, secret, FLOW_LASTS_SECONDS);
  }

  forgetFlow(): void {
    this.forget(FLOW_COOKIE);
  }

  get deviceHash(): Buffer | null {
    const device = this.device;
    return device === null ? null : hashOf(device);
  }

  keepDevice(): Buffer {
    const device = this.device ?? randomBytes(32).toString("base64url");
    this.keep(DEVICE_COOKIE, device, DEVICE_LASTS_SECONDS);
    return hashOf(device);
  }

  private get device(): string | null {
    const text = this.request.cookies[DEVICE_COOKIE];
    return text && /^[\w-]{43}$/.test(text) ? text : null;
  }

  private keep(name: string, value: string, maxAge: number): void {
    void this.reply.setCookie(name, value, { ...ATTRIBUTES, maxAge });
  }

  private forget(name: string): void {
    void this.reply.clearCookie(name, ATTRIBUTES);
  }
}
