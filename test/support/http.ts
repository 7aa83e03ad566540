import { type Config, readConfig } from "../../src/setup/config";
import type { Database } from "../../src/database/database";
import { createServer } from "../../src/http/server";
import { createLogger } from "../../src/setup/logger";
import { openServices } from "../../src/setup/openServices";
import { ENCRYPTION_KEYS } from "./factories";
import { db, url as databaseUrl } from "./database";

export interface ErrorShown {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; [key: string]: unknown };
}

/** What came back over HTTP. */
export interface Answer<D = Record<string, unknown>> {
  status: number;
  headers: Headers;
  text: string;
  data: D | null | undefined;
  errors: ErrorShown[];
  codes: (string | undefined)[];
  extensions: Record<string, unknown> | undefined;
}

/** How a request says who sends it, and whatever else its headers say. */
export interface Sender {
  /** A session's token or an API key, in the Authorization header. */
  token?: string | undefined;
  /** A session's token, in the cookie as a browser sends it. */
  cookie?: string | undefined;
  headers?: Record<string, string>;
}

export interface Served {
  app: Awaited<ReturnType<typeof createServer>>;
  config: Config;
  /** Where it listens: `http://127.0.0.1:port`. */
  url: string;
  /** Everything that was logged, a JSON text for each line. */
  log: string[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A document over POST, through a real socket. */
  ask<D = Record<string, unknown>>(
    query: string,
    variables?: Record<string, unknown>,
    sender?: Sender,
  ): Promise<Answer<D>>;
  close(): Promise<void>;
}

interface Options {
  /** Settings besides the database's, as the environment would give them. */
  env?: Record<string, string>;
  /** Another way to the database than this file's own. */
  database?: Database;
  demoKey?: string;
  requestMs?: number;
  signMs?: number;
}

const COOKIE = "__Host-gatehouse_session";
const served: Served[] = [];

/** A server that compiles queries, and one that leaves them to resolvers. */
export const serveBothWays = async () => ({
  compiled: await serve(),
  resolved: await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } }),
});

/** The server as `start` makes it, on a free port of this machine; stopped by itself. */
export async function serve({
  env = {},
  database,
  demoKey,
  requestMs,
  signMs,
}: Options = {}): Promise<Served> {
  const log: string[] = [];
  const logger = createLogger("trace", { write: (line) => void log.push(line) });
  const config = readConfig({
    DATABASE_URL: databaseUrl,
    GATEHOUSE_ENCRYPTION_KEYS: ENCRYPTION_KEYS,
    ...env,
  });
  const services = await openServices(config);
  const app = await createServer({
    db: database ?? db,
    config,
    services,
    logger,
    demoKey,
    requestMs,
    signMs,
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const one: Served = {
    app,
    config,
    url,
    log,
    fetch: (path, init) => fetch(url + path, init),
    async ask<D>(query: string, variables?: Record<string, unknown>, sender: Sender = {}) {
      return answerFrom<D>(
        await fetch(`${url}/graphql`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headersOf(sender) },
          body: JSON.stringify({ query, ...(variables && { variables }) }),
        }),
      );
    },
    async close() {
      // Idle connections of fetch would keep it open.
      app.server.closeIdleConnections();
      await app.close();
    },
  };
  served.push(one);
  return one;
}

afterAll(async () => {
  await Promise.all(
    served.map((one) => {
      // Whatever a failed test left open.
      one.app.server.closeAllConnections();
      return one.close();
    }),
  );
});

export function headersOf({ token, cookie, headers }: Sender): Record<string, string> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(cookie !== undefined && { cookie: `${COOKIE}=${cookie}` }),
    ...headers,
  };
}

export async function answerFrom<D = Record<string, unknown>>(
  response: Response,
): Promise<Answer<D>> {
  const text = await response.text();
  return { ...read<D>(text), status: response.status, headers: response.headers, text };
}

/** What a GraphQL answer says, wherever it came from; nothing at all where it is none. */
export function read<D = Record<string, unknown>>(
  text: string,
): Pick<Answer<D>, "data" | "errors" | "codes" | "extensions"> {
  let body: Partial<Pick<Answer<D>, "data" | "errors" | "extensions">> = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // A page, or nothing.
  }
  const { data, errors = [], extensions } = body;
  return { data, errors, codes: errors.map((error) => error.extensions?.code), extensions };
}
