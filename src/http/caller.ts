import type { FastifyReply, FastifyRequest } from "fastify";
import { authenticate, type Caller, noteUse } from "../context/authenticate";
import { Context } from "../context/context";
import type { Services } from "../context/services";
import { rememberedKey } from "../context/rememberedCaller";
import type { Database } from "../database/database";
import { Unauthenticated } from "../errors";
import { hashOf } from "../identity/tokens";
import { canonicalAddress } from "../net/addresses";
import type { Request } from "../principal";
import type { Reads } from "../reads/reads";
import { CookieBrowser, sessionCookieOf } from "./cookies";
import { report } from "./errorAnswers";

/** Header characters are one byte each on the wire and at most two in the database, which takes 512. */
const USER_AGENT_LIMIT = 256;

/**
 * Finds out who sends a request.
 *
 * @param reads Where the caller may first be guessed: for what a statement answers that verifies it.
 * @throws Unauthenticated, Forbidden, RateLimited as `authenticate` does.
 */
export type OpenContext = (
  request: FastifyRequest,
  reply: FastifyReply,
  reads?: Reads | null,
) => Promise<Context>;

/** How the surfaces of this server find out who sends a request. */
export function contextOpener(
  db: Database,
  services: Services,
  background: (work: Promise<unknown>) => void,
): OpenContext {
  return async (request, reply, reads = null) => {
    const arrived = arrivedAs(request);
    const prove = async () => {
      const caller = await callerOf(request, arrived, db);
      const noted = caller && noteUse(db, caller.principal, caller.lastUsedAt, arrived);
      if (noted) background(noted);
      if (caller?.standing) {
        reads?.remember(rememberedKey(caller.principal, caller.standing, caller));
      }
      return caller;
    };
    const token = reads && tokenOf(request)?.text;
    const guess = (token && reads.recall(hashOf(token))) || null;
    const caller = guess ? null : await prove();
    return new Context({
      db,
      services,
      request: arrived,
      ...caller,
      caller: caller?.principal ?? null,
      guess,
      prove,
      background,
      report: (error) => report(request, error),
      browser: new CookieBrowser(request, reply),
    });
  };
}

/** The request as events and the log name it. */
function arrivedAs({ id, ip, headers }: FastifyRequest): Request {
  return {
    id,
    ip: canonicalAddress(ip),
    userAgent: headers["user-agent"]?.slice(0, USER_AGENT_LIMIT) ?? null,
    warnings: [],
  };
}

/** The token that came with a request, and whether a browser sent it by itself. */
function tokenOf(request: FastifyRequest): { text: string; byCookie: boolean } | null {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    const text = sessionCookieOf(request);
    return text ? { text, byCookie: true } : null;
  }
  const [, text] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (text) return { text, byCookie: false };
  throw new Unauthenticated("The Authorization header takes `Bearer` and a token or API key.");
}

/** The caller that the request's token stands for; null for a request without one. */
async function callerOf(
  request: FastifyRequest,
  arrived: Request,
  db: Database,
): Promise<Caller | null> {
  const token = tokenOf(request);
  if (!token) return null;
  try {
    return await authenticate(db, token.text, arrived);
  } catch (error) {
    // A browser keeps sending a cookie whose session is over; it must be able to sign in again.
    if (token.byCookie && error instanceof Unauthenticated) return null;
    throw error;
  }
}
