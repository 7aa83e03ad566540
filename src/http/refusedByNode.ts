import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { newRequestId } from "../ids";
import { errorBody } from "./errorAnswers";
import { HEADERS } from "./headers";

/** Status and message for errors of Node's parser, by its code. All other codes are 400. */
const REFUSALS: Partial<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request took too long to arrive."],
  HPE_HEADER_OVERFLOW: [431, "The headers are too long: at most 16 KB, with the URL."],
};

/**
 * Answers a request that Node's HTTP parser refuses before Fastify sees it: in the form of all errors, with
 * the headers of all answers, and with a line in the log that has the address.
 */
export function answerRefusedByNode(logger: Logger) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // The client has closed the connection.
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const [status, message] = REFUSALS[error.code ?? ""] ?? [400, "This is not an HTTP request."];
    const requestId = newRequestId();
    logger.info({ requestId, ip: socket.remoteAddress, code: error.code, status }, "request");
    // An answer that was begun can't be replaced.
    if (socket.writable && !hasBegunAnswer(socket)) {
      socket.write(answerText(status, message, requestId));
    }
    socket.destroy(error);
  };
}

/** Node stores the present answer of a socket in `_httpMessage`. Its own handler of these errors reads it. */
function hasBegunAnswer(
  socket: Socket & { _httpMessage?: { headersSent: boolean } | null },
): boolean {
  return socket._httpMessage?.headersSent ?? false;
}

function answerText(status: number, message: string, requestId: string): string {
  const body = JSON.stringify(errorBody(message, { code: "BAD_REQUEST" }));
  const headers = {
    ...HEADERS,
    "x-request-id": requestId,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", body].join("\r\n");
}
