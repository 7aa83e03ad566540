import type { FastifyInstance } from "fastify";

/**
 * Refuses the methods that a path does not take, and names those that it takes (RFC 9110, section
 * 15.5.6). Call it before the first route, and call the function that it returns after the last route.
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = taken.get(url) ?? new Set();
    taken.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => {
    for (const [url, methods] of [...taken]) {
      const allow = [...methods].sort().join(", ");
      app.route({
        url,
        method: app.supportedMethods.filter((one) => !methods.has(one)),
        handler: (_request, reply) => {
          void reply.header("allow", allow);
          throw Object.assign(new Error(`This path takes ${allow}.`), { statusCode: 405 });
        },
      });
    }
  };
}
