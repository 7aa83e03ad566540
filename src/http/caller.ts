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

/** A header's character has one byte in HTTP and at most two in the database, whose limit is 512 bytes. */
const USER_AGENT_LIMIT = 256;

/**
 * Makes the context of a request, and authenticates the caller.
 *
 * @param reads Where a caller may be recalled who was authenticated before. A compiled statement verifies
 * such a caller.
 * @throws Unauthenticated, Forbidden, RateLimited as `authenticate` does.
 */
export type OpenContext = (
  request: FastifyRequest,
  reply: FastifyReply,
  reads?: Reads | null,
) => Promise<Context>;

/** Makes the function by which the surfaces of this server authenticate a request. */
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

/** The request as events and the log have it. */
function arrivedAs({ id, ip, headers }: FastifyRequest): Request {
  return {
    id,
    ip: canonicalAddress(ip),
    userAgent: headers["user-agent"]?.slice(0, USER_AGENT_LIMIT) ?? null,
    warnings: [],
  };
}

/** The token of a request, and whether it came in a cookie. */
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

/** Authenticates the request's token; null for a request without one. */
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
    // A browser goes on sending the cookie of a session that has ended, and must be able to sign in.
    if (token.byCookie && error instanceof Unauthenticated) return null;
    throw error;
  }
}
