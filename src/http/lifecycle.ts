import type { FastifyInstance } from "fastify";

/** Time for the last answer to be sent. */
const LAST_ANSWER_MS = 100;

/**
 * Closes all connections when the server is stopping and no request is in flight. Otherwise kept-alive and
 * preconnected sockets would keep it running until their clients disconnect.
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
 * Makes a function that takes work which may go on after the answer. A stopping server waits for it.
 *
 * @param last Runs when all of the work has ended.
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

/** Runs a function at an interval until the server stops. */
export function repeat(app: FastifyInstance, everyMs: number, act: () => void): void {
  const timer = setInterval(act, everyMs).unref();
  app.addHook("onClose", (_app, done) => {
    clearInterval(timer);
    done();
  });
}
