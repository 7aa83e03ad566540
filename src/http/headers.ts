import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Socket } from "node:net";
import helmet from "helmet";

/**
 * The headers of every answer, unless a surface sets others. Helmet's headers are always the same, so they
 * are computed once.
 */
export const HEADERS: OutgoingHttpHeaders = (() => {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet({ contentSecurityPolicy: false })(request, response, () => undefined);
  return {
    ...response.getHeaders(),
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  };
})();
