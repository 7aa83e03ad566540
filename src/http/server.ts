import cookie from "@fastify/cookie";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import type { Logger } from "pino";
import { tellAllRefusals, tellRefusals } from "../context/refusals";
import type { Services } from "../context/services";
import type { Database } from "../database/database";
import { newRequestId } from "../ids";
import { withoutPort } from "../net/addresses";
import type { Config } from "../setup/config";
import { BODY_LIMIT, takeJson } from "./bodies";
import { contextOpener } from "./caller";
import { answerErrors, sendError } from "./errorAnswers";
import { eventExports } from "./eventExports";
import { ExplorerFiles, explorerFiles } from "./explorerFiles";
import { graphql } from "./graphql";
import { HEADERS } from "./headers";
import { health } from "./health";
import { backgroundOf, closeWhenDrained, repeat } from "./lifecycle";
import { refuseOtherMethods } from "./methods";
import { answerRefusedByNode } from "./refusedByNode";
import { socialSignIn } from "./socialSignIn";
import { streamsOf } from "./streams";

/** For a request to arrive in, its body with it; the answer may take longer (a live tail). */
const REQUEST_MS = 30_000;
/** Proxies and balancers cut off what is quiet for a minute, or for less where they are set so. */
const SIGN_MS = 15_000;
/** How late refusals may be told that were counted in a minute (docs/operating.md). */
const TELL_REFUSALS_MS = 5_000;

export interface ServerOptions {
  db: Database;
  config: Config;
  services: Services;
  logger: Logger;
  /** A key for the explorer to open with: the demo's, never another. */
  demoKey?: string | undefined;
  /** How long a request may take to arrive. */
  requestMs?: number | undefined;
  /** How long a stream is quiet before it gives a sign of life. */
  signMs?: number | undefined;
}

/**
 * The HTTP server. Each surface is a plugin of its own. What holds unless a surface says otherwise: bodies
 * are JSON, errors have the shape of a GraphQL answer, and answers the headers above.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { db, config, services, demoKey, signMs = SIGN_MS } = options;
  const app = newApp(options);
  const refuseOthers = refuseOtherMethods(app);
  await app.register(cookie);
  answerErrors(app);
  takeJson(app);
  const background = backgroundOf(app, () => tellAllRefusals(db));
  repeat(app, TELL_REFUSALS_MS, () => background(tellRefusals(db)));
  const open = contextOpener(db, services, background);
  await app.register(health, { db });
  const explorer = config.explorer ? new ExplorerFiles(demoKey, config.publicUrl) : null;
  await app.register(graphql, { db, services, config, open, explorer });
  if (explorer) await app.register(explorerFiles, { files: explorer });
  await app.register(eventExports, { open, sendStream: streamsOf(app, signMs) });
  await app.register(socialSignIn, { open, appUrl: config.appUrl });
  app.get("/", (_request, reply) => reply.redirect("/graphql"));
  refuseOthers();
  return app;
}

/** What holds for every request, whichever surface answers it. */
function newApp({ config, logger, requestMs = REQUEST_MS }: ServerOptions): FastifyInstance {
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
    clientErrorHandler: answerRefusedByNode(logger),
    // What the router refuses runs no hooks.
    frameworkErrors: (error, request, answer) => {
      const reply = answer as unknown as FastifyReply;
      setHeaders(request, reply);
      void sendError(error, request, reply);
      logRequest(request, reply);
    },
    trustProxy: trustedProxies.length ? trustedProxies : false,
    genReqId: newRequestId,
    return503OnClosing: true,
    forceCloseConnections: "idle",
  });
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
  app.addHook("onRequest", (request, reply, done) => {
    setHeaders(request, reply);
    if ((request.headers["content-encoding"] ?? "identity") === "identity") return done();
    const message = "The body must not be compressed (`Content-Encoding`).";
    done(Object.assign(new Error(message), { statusCode: 415 }));
  });
  app.addHook("onResponse", (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
  closeWhenDrained(app);
  return app;
}

function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply.headers(HEADERS);
  void reply.header("x-request-id", request.id);
}

/** The path without its query, which may hold a whole GET document; no headers, no body. */
function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      method: request.method,
      path: request.url.split("?", 1)[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
    },
    "request",
  );
}
