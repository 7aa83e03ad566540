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

/**
 * Takes work that may outlive its answer; the server waits for it before it has stopped.
 *
 * @param last What is left to do once all of it has ended.
 */
export function backgroundOf(
  app: FastifyInstance,
  last: () => Promise<void>,
): (work: Promise<unknown>) => void {
  const working = new Set<Promise<unknown>>();
  const background = (work: Promise<unknown>) => {
    const settled = work
      .catch((error: unknown) => app.log.error({ err: error }, "background work failed"))
      .finally(() => working.delete(settled));
    working.add(settled);
  };
  app.addHook("onClose", async () => {
    await Promise.all(working);
    background(last());
    await Promise.all(working);
  });
  return background;
}

/** Does something over and over until the server stops. */
export function repeat(app: FastifyInstance, everyMs: number, act: () => void): void {
  const timer = setInterval(act, everyMs).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(timer);
    done();
  });
}
