import { HeaderMap, type HTTPGraphQLRequest } from "@apollo/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context/context";
import type { Services } from "../context/services";
import type { Database } from "../database/database";
import { render } from "../errors";
import { type Question, Questions } from "../graphql/admission";
import { apolloServer } from "../graphql/apollo";
import { schema } from "../graphql/schema";
import { Reads } from "../reads/reads";
import type { Config } from "../setup/config";
import type { OpenContext } from "./caller";
import type { ExplorerFiles } from "./explorerFiles";
import { asGraphQLError } from "./errorAnswers";

/** The log names queries that do not compile, and so rarely that callers can't fill it. */
const LEFT_TOLD_EVERY_MS = 60 * 60 * 1000;

interface Options {
  db: Database;
  services: Services;
  config: Pick<Config, "compiledReads" | "limits">;
  open: OpenContext;
  /** The page that browsers get; null for none. */
  explorer: ExplorerFiles | null;
}

/** `/graphql`: queries and mutations by POST, queries by GET, and a page for browsers. */
export async function graphql(app: FastifyInstance, options: Options): Promise<void> {
  const { db, services, config, open, explorer } = options;
  const reads = config.compiledReads ? readsOf(app, db, services) : null;
  const questions = new Questions(schema, config.limits, reads);
  // Only the first line: Apollo adds the part of the document in which an error is, which may hold secrets.
  const logger = {
    debug: (message: unknown) => app.log.debug(firstLine(message)),
    info: (message: unknown) => app.log.info(firstLine(message)),
    warn: (message: unknown) => app.log.warn(firstLine(message)),
    error: (message: unknown) => app.log.error(firstLine(message)),
  };
  const apollo = apolloServer(schema, questions, logger);
  await apollo.start();
  app.addHook("onClose", () => apollo.stop());

  app.route({
    method: ["GET", "POST"],
    url: "/graphql",
    handler: async (request, reply) => {
      if (explorer && request.method === "GET" && wantsPage(request)) {
        return explorer.sendPage(request, reply);
      }
      const { accept } = request.headers;
      let asker: Promise<Context> | undefined;
      const question = questionOf(request);
      const guessing = question && reads;
      const known = question && questions.known(question, accept);
      if (known) {
        asker = open(request, reply, guessing);
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
            return await (asker ?? open(request, reply, guessing));
          } catch (error) {
            void reply.headers(render(error).headers);
            throw asGraphQLError(error, request);
          }
        },
      });
      if (body.kind !== "complete") throw new Error("Nothing here is answered in parts");
      const type = headers.get("content-type");
      if (question && type && (status ?? 200) === 200) questions.sent(accept, type);
      return send(reply.status(status ?? 200), body.string, Object.fromEntries(headers));
    },
  });
}

/** Compiled reads. A line in the log says now and then which queries were left to resolvers. */
function readsOf(app: FastifyInstance, db: Database, services: Services): Reads {
  const reads = new Reads(schema, db, services.social);
  const logLeft = () => {
    const left = reads.takeLeft();
    if (left) app.log.info({ left }, "queries were left to their resolvers");
  };
  const logging = setInterval(logLeft, LEFT_TOLD_EVERY_MS).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(logging);
    logLeft();
    done();
  });
  return reads;
}

/** A GraphQL request by POST; null for all else, which Apollo refuses after the caller was verified. */
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

/** Sends a buffer: a string would be encoded twice, for its length and for the socket. */
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

const firstLine = (message: unknown) => String(message).split("\n", 1)[0]!;

/** Whether a browser asks for a page. A client that accepts anything does not. */
function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes("text/html") ?? false;
}
