import { randomBytes } from "node:crypto";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import cookie from "@fastify/cookie";
import { HeaderMap, type HTTPGraphQLRequest } from "@apollo/server";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { GraphQLError } from "graphql";
import helmet from "helmet";
import type { Logger } from "pino";
import { typeid } from "typeid-js";
import { canonicalAddress, withoutPort } from "../net/addresses";
import { authenticate, type Caller, noteUse } from "../context/authenticate";
import type { Config } from "../setup/config";
import { Context } from "../context/context";
import type { Database } from "../database/database";
import { raw, sql } from "../database/sql";
import { DomainError, Unauthenticated } from "../errors";
import { exportEvents } from "./eventExports";
import { ABSOLUTE_MS } from "../identity/sessions";
import { hashOf } from "../identity/tokens";
import { preferredLanguage } from "../mails/languages";
import type { RememberedCaller } from "../context/rememberedCaller";
import { Reads } from "../reads/reads";
import { apolloServer } from "../graphql/apollo";
import { explorer } from "../graphql/explorer";
import { headersOf, statusOf } from "../graphql/formatError";
import { type Question, Questions } from "../graphql/admission";
import { schema } from "../graphql/schema";
import type { Services } from "../context/services";
import { socialSignIn } from "./socialSignIn";

const BODY_LIMIT = 100 * 1024;
/** For a request to arrive in, its body with it; the answer may take longer (a live tail). */
const REQUEST_MS = 30_000;
/** So that an operator sees what does not compile, and no log is filled by whoever asks for it. */
const LEFT_TOLD_EVERY_MS = 60 * 60 * 1000;
/** `__Host-`: only over TLS (or on localhost), only to this host, from its root. */
const SESSION_COOKIE = "__Host-gatehouse_session";
/** On every answer. Helmet's are the same for all of them, so it is asked once. */
const HEADERS = (() => {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet({ contentSecurityPolicy: false })(request, response, () => undefined);
  return {
    ...response.getHeaders(),
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  };
})();
/** Tells the browser again when somebody signs in, and opens nothing. As long as browsers keep one. */
const DEVICE_COOKIE = "__Host-gatehouse_device";
const DEVICE_LASTS_SECONDS = 400 * 24 * 60 * 60;
/** Ties somebody who comes back from GitHub or Google to the browser that went there. */
const FLOW_COOKIE = "__Host-gatehouse_flow";
const FLOW_LASTS_SECONDS = 10 * 60;
const COOKIE = { path: "/", httpOnly: true, secure: true, sameSite: "lax" } as const;
/** Header characters are one byte each on the wire and at most two in the database, which takes 512. */
const USER_AGENT_LIMIT = 256;

export interface ServerOptions {
  db: Database;
  config: Config;
  services: Services;
  logger: Logger;
  /** A key for the explorer to open with: the demo's, never another. */
  demoKey?: string | undefined;
  /** How long a request may take to arrive. */
  requestMs?: number | undefined;
}

/** The HTTP server: GraphQL and its explorer, exports, and what an orchestrator asks. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { db, config, services, logger, demoKey, requestMs = REQUEST_MS } = options;
  const { trustedProxies } = config;
  // Fastify's own type of it, which its instance is then of.
  const baseLogger: FastifyBaseLogger = logger;
  const app = Fastify({
    loggerInstance: baseLogger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: requestMs,
    // Node swaps the two limits where the headers' is the longer one, as by default.
    http: { headersTimeout: requestMs, connectionsCheckingInterval: requestMs / 6 },
    frameworkErrors: (error, request, answer) => {
      const reply = answer as unknown as FastifyReply;
      const status = error.statusCode ?? 400;
      void reply.header("x-request-id", request.id);
      void reply.status(status).send(errorBody(error, status, request.id));
    },
    trustProxy: trustedProxies.length ? trustedProxies : false,
    genReqId: () => typeid("req").toString(),
    return503OnClosing: true,
    forceCloseConnections: "idle",
  });
  const reads = config.compiledReads
    ? new Reads(
        schema,
        db,
        (failure) => logger.error(failure, "a compiled read failed"),
        services.social,
      )
    : null;
  const tellLeft = () => {
    const left = reads?.takeLeft();
    if (left) logger.info({ left }, "queries were left to their resolvers");
  };
  const telling = setInterval(tellLeft, LEFT_TOLD_EVERY_MS).unref();
  const questions = new Questions(schema, config.limits, reads);
  const apollo = apolloServer(schema, questions, logger);
  await apollo.start();

  const background = new Set<Promise<unknown>>();
  const inBackground = (work: Promise<unknown>) => {
    const noted = work
      .catch((error: unknown) => logger.error({ err: error }, "background work failed"))
      .finally(() => background.delete(noted));
    background.add(noted);
  };

  // Before anything asks for the address. Whether the header is believed, Fastify says later.
  if (trustedProxies.length) {
    app.addHook("onRequest", ({ raw: { headers } }, _reply, done) => {
      const forwarded = headers["x-forwarded-for"];
      if (typeof forwarded === "string") {
        headers["x-forwarded-for"] = forwarded.split(",").map(withoutPort).join(",");
      }
      done();
    });
  }
  await app.register(cookie);
  app.addHook("onRequest", (request, reply, done) => {
    void reply.headers(HEADERS);
    void reply.header("x-request-id", request.id);
    if ((request.headers["content-encoding"] ?? "identity") === "identity") return done();
    const message = "The body must not be compressed (`Content-Encoding`).";
    done(Object.assign(new Error(message), { statusCode: 415 }));
  });
  app.addHook("onResponse", (request, reply, done) => {
    // The path without its query, which may hold a whole GET document; no headers, no body.
    request.log.info(
      {
        method: request.method,
        path: request.url.split("?", 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      "request",
    );
    done();
  });
  // Kept-alive and preconnected sockets would hold a stopping server until their clients leave.
  let inFlight = 0;
  let closing = false;
  const closeConnections = () => {
    // A moment for the last answer to get out.
    if (closing && inFlight === 0) setTimeout(() => app.server.closeAllConnections(), 100);
  };
  app.addHook("onRequest", (_request, reply, done) => {
    inFlight++;
    reply.raw.once("close", () => {
      inFlight--;
      closeConnections();
    });
    done();
  });
  app.addHook("preClose", (done) => {
    closing = true;
    closeConnections();
    done();
  });
  app.addHook("onClose", async () => {
    clearInterval(telling);
    tellLeft();
    await Promise.all(background);
    await apollo.stop();
  });

  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    if (body === "") return done(null, undefined);
    try {
      done(null, JSON.parse(body as string));
    } catch {
      done(Object.assign(new Error("The body is no JSON."), { statusCode: 400 }));
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const status = error instanceof DomainError ? statusOf(error) : (error.statusCode ?? 500);
    if (status >= 500) request.log.error({ err: error }, "request failed");
    return reply
      .status(status)
      .headers(headersOf(error))
      .send(errorBody(error, status, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new Error("There is nothing here. GraphQL is at /graphql.");
    return reply.status(404).send(errorBody(error, 404, request.id));
  });

  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const ready = await Promise.race([
      db.query(sql`select ${raw("1")}`).then(
        () => true,
        () => false,
      ),
      new Promise<false>((give) => setTimeout(give, 2_000, false).unref()),
    ]);
    return reply.status(ready ? 200 : 503).send({ status: ready ? "ok" : "database away" });
  });
  app.get("/", (_request, reply) => reply.redirect("/graphql"));

  app.route({
    method: ["GET", "POST"],
    url: "/graphql",
    handler: async (request, reply) => {
      if (request.method === "GET" && wantsPage(request)) return explorer(reply, demoKey);
      const { accept } = request.headers;
      let asker: Promise<Context> | undefined;
      const question = questionOf(request);
      const known = question && questions.known(question, accept);
      if (known) {
        asker = contextOf(request, reply, reads);
        const body = await asker.then(
          (ctx) => questions.answerAhead(known, question.variables ?? {}, ctx),
          () => null,
        );
        if (body) return send(reply, body, { "content-type": known.type });
      }
      const { status, headers, body } = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: httpRequest(request),
        context: async () => {
          try {
            return await (asker ?? contextOf(request, reply, reads));
          } catch (error) {
            void reply.headers(headersOf(error));
            throw asResponse(error, request);
          }
        },
      });
      if (body.kind !== "complete") throw new Error("Nothing here is answered in parts");
      const type = headers.get("content-type");
      if (question && type && (status ?? 200) === 200) questions.sent(accept, type);
      return send(reply.status(status ?? 200), body.string, Object.fromEntries(headers));
    },
  });
  exportEvents(app, contextOf);
  socialSignIn(app, contextOf, config.appUrl, (request) => request.cookies[FLOW_COOKIE]);

  async function contextOf(
    request: FastifyRequest,
    reply: FastifyReply,
    reads: Reads | null = null,
  ): Promise<Context> {
    const asked = {
      id: request.id,
      ip: canonicalAddress(request.ip),
      userAgent: request.headers["user-agent"]?.slice(0, USER_AGENT_LIMIT) ?? null,
    };
    const prove = async () => {
      const caller = await callerOf(request, asked, db);
      const noted = caller && noteUse(db, caller.principal, caller.lastUsedAt, asked);
      if (noted) inBackground(noted);
      return caller;
    };
    const guess = reads && questionOf(request) ? guessOf(request, reads) : null;
    const caller = guess ? null : await prove();
    return new Context({
      db,
      services,
      request: asked,
      ...caller,
      caller: caller?.principal ?? null,
      guess,
      prove,
      background: inBackground,
      report: (error) => request.log.error({ err: error }, "request failed"),
      byCookie: request.headers.authorization === undefined,
      device: () => deviceOf(request, reply),
      knownDevice: () => {
        const text = knownDeviceOf(request);
        return text === null ? null : hashOf(text);
      },
      language: () => preferredLanguage(request.headers["accept-language"]),
      cookie: (token) =>
        token
          ? void reply.setCookie(SESSION_COOKIE, token, { ...COOKIE, maxAge: ABSOLUTE_MS / 1000 })
          : void reply.clearCookie(SESSION_COOKIE, COOKIE),
      flowCookie: (secret) =>
        secret
          ? void reply.setCookie(FLOW_COOKIE, secret, { ...COOKIE, maxAge: FLOW_LASTS_SECONDS })
          : void reply.clearCookie(FLOW_COOKIE, COOKIE),
    });
  }

  return app;
}

/** The token a request came with, and whether a browser sent it by itself. */
function tokenOf(request: FastifyRequest): { text: string; byCookie: boolean } | null {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    const text = request.cookies[SESSION_COOKIE];
    return text ? { text, byCookie: true } : null;
  }
  const [, text] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (text) return { text, byCookie: false };
  throw new Unauthenticated("The Authorization header takes `Bearer` and a token or API key.");
}

function knownDeviceOf(request: FastifyRequest): string | null {
  const text = request.cookies[DEVICE_COOKIE];
  return text && /^[\w-]{43}$/.test(text) ? text : null;
}

function deviceOf(request: FastifyRequest, reply: FastifyReply): Buffer {
  const text = knownDeviceOf(request) ?? randomBytes(32).toString("base64url");
  void reply.setCookie(DEVICE_COOKIE, text, { ...COOKIE, maxAge: DEVICE_LASTS_SECONDS });
  return hashOf(text);
}

/** Whoever the request says it is from, or nobody. */
async function callerOf(
  request: FastifyRequest,
  asked: Context["request"],
  db: Database,
): Promise<Caller | null> {
  const token = tokenOf(request);
  if (!token) return null;
  try {
    return await authenticate(db, token.text, asked);
  } catch (error) {
    // A browser keeps sending a cookie whose session is over; it must be able to sign in again.
    if (token.byCookie && error instanceof Unauthenticated) return null;
    throw error;
  }
}

/** Who it was the last time: good for a statement that verifies it, and for nothing else. */
function guessOf(request: FastifyRequest, reads: Reads): RememberedCaller | null {
  const text = tokenOf(request)?.text;
  return (text && reads.recall(hashOf(text))) || null;
}

/** A plain GraphQL request over POST. Whatever else may come is refused after authenticating. */
function questionOf({
  method,
  body,
  headers: { accept = "*/*" },
}: FastifyRequest): Question | null {
  if (!/(\*|application)\/(\*|json|graphql-response\+json)/.test(accept)) return null;
  if (method !== "POST" || typeof body !== "object" || body === null) return null;
  const { query, variables, operationName, extensions } = body as Record<string, unknown>;
  const plain =
    typeof query === "string" &&
    (variables == null || (typeof variables === "object" && !Array.isArray(variables))) &&
    (operationName == null || typeof operationName === "string") &&
    extensions == null;
  return plain ? (body as Question) : null;
}

/** Encoded once: a string is flattened and encoded anew for its length and for the socket. */
function send(reply: FastifyReply, body: string, headers: Record<string, string>): FastifyReply {
  return reply.headers(headers).send(Buffer.from(body));
}

function httpRequest(request: FastifyRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const query = request.url.indexOf("?");
  const search = query < 0 ? "" : request.url.slice(query);
  return { method: request.method, headers, search, body: request.body };
}

/** A browser asks for a page; a client that takes anything does not. */
function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes("text/html") ?? false;
}

function asResponse(error: unknown, request: FastifyRequest): GraphQLError {
  const status = statusOf(error);
  if (status >= 500) request.log.error({ err: error }, "request failed");
  const ours = error instanceof DomainError;
  return new GraphQLError(ours ? error.message : "Something went wrong.", {
    originalError: error as Error,
    extensions: {
      code: ours ? error.code : "INTERNAL_SERVER_ERROR",
      ...(status >= 500 && { requestId: request.id }),
      http: { status },
    },
  });
}

/** What Fastify refuses by itself, in words that say what to do. */
const SAID: Partial<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: `The body may have at most ${BODY_LIMIT} bytes.`,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "Send JSON, with `content-type: application/json`.",
};

/** The shape of a GraphQL answer, so that every client finds the message where it looks. */
function errorBody(error: Error & { code?: string }, status: number, requestId: string) {
  const ours = error instanceof DomainError;
  const message =
    status >= 500 && !ours
      ? "Something went wrong."
      : ((error.code && SAID[error.code]) ?? error.message);
  const code = ours
    ? error.code
    : status >= 500
      ? "INTERNAL_SERVER_ERROR"
      : status === 404
        ? "NOT_FOUND"
        : "BAD_USER_INPUT";
  const extensions = {
    code,
    ...(ours && error.details),
    ...("field" in error && error.field ? { field: error.field } : {}),
    ...(status >= 500 && { requestId }),
    ...(status === 413 && { limit: BODY_LIMIT }),
  };
  return { errors: [{ message, extensions }] };
}
