import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { services } from "./factories";

/** What a server like Pwned Passwords was asked. */
export const ranges: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[] =
  [];
let breached: ReadonlyMap<string, number> = new Map();
let answerOtherwise: ((reply: ServerResponse) => void) | null = null;
let whileAsked: () => Promise<void> = () => Promise.resolve();

const digestOf = (password: string) =>
  createHash("sha1").update(password, "utf8").digest("hex").toUpperCase();

/** Passwords of known breaches from here on, and in how many each was seen; 0 is padding. */
export function breach(passwords: Record<string, number>): void {
  breached = new Map(Object.entries(passwords).map(([text, count]) => [digestOf(text), count]));
}

/** Has it answer in another way, until the test is over. */
export function answerWith(answer: (reply: ServerResponse) => void): void {
  answerOtherwise = answer;
}

/** Has something looked at while it is being asked, until the test is over. */
export function meanwhile(look: () => Promise<void>): void {
  whileAsked = look;
}

const server = createServer((request, reply) => {
  const { method = "", url = "", headers } = request;
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    ranges.push({ method, url, headers, body: Buffer.concat(parts).toString() });
    void whileAsked().then(() => {
      if (answerOtherwise) return answerOtherwise(reply);
      const [, prefix] = /^\/range\/([0-9A-F]{5})$/.exec(url) ?? [];
      if (!prefix) return reply.writeHead(400).end("The hash prefix was not in a valid format");
      const lines = [...breached]
        .filter(([digest]) => digest.startsWith(prefix))
        .map(([digest, count]) => `${digest.slice(5)}:${count}`);
      // As many as a range has, and as padding makes them.
      for (let i = 0; i < 800; i++) {
        lines.push(`${digestOf(`${prefix} ${i}`).slice(5)}:${i % 3 ? 0 : i}`);
      }
      return reply.end(lines.sort().join("\r\n"));
    });
  });
});

/** A server with that API. For `beforeAll`; undone by itself. */
export async function usePwned(): Promise<string> {
  await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  ranges.length = 0;
  answerOtherwise = null;
  whileAsked = () => Promise.resolve();
  breach({});
});
afterAll(async () => {
  services.breachedPasswordsUrl = null;
  server.closeAllConnections();
  await new Promise((go) => server.close(go));
});
