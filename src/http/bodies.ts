import type { FastifyInstance } from "fastify";

export const BODY_LIMIT = 100 * 1024;

/** Takes bodies of JSON, and no others, in a surface and all below it. */
export function takeJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    if (body === "") return done(null, undefined);
    try {
      done(null, JSON.parse(body as string));
    } catch {
      done(Object.assign(new Error("The body is no JSON."), { statusCode: 400 }));
    }
  });
}
