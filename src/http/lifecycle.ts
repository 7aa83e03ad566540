import type { FastifyInstance } from "fastify";

/** A moment for the last answer to get out. */
const LAST_ANSWER_MS = 100;

/**
 * Closes connections once the server stops and no request is in flight: kept-alive and preconnected
 * sockets would hold it open until their clients leave.
 */
export function closeWhenDrained(app: FastifyInstance): void {
  let inFlight = 0;
  let closing = false;
  const closeConnections = () => {
    if (closing && inFlight === 0) {
      setTimeout(() => app.server.closeAllConnections(), LAST_ANSWER_MS);
    }
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
}

/** Takes work that may outlive its answer; the server waits for it before it has stopped. */
export function backgroundOf(app: FastifyInstance): (work: Promise<unknown>) => void {
  const working = new Set<Promise<unknown>>();
  app.addHook("onClose", async () => {
    await Promise.all(working);
  });
  return (work) => {
    const settled = work
      .catch((error: unknown) => app.log.error({ err: error }, "background work failed"))
      .finally(() => working.delete(settled));
    working.add(settled);
  };
}
