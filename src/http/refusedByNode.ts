import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { newRequestId } from "../ids";
import { errorBody } from "./errorAnswers";
import { HEADERS } from "./headers";

/** What Node's parser says of a request, by its code; 400 for all others. */
const REFUSALS: Partial<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request took too long to arrive."],
  HPE_HEADER_OVERFLOW: [431, "The headers are too long: at most 16 KB, with the URL."],
};

/**
 * Answers what Node's HTTP parser refuses, before there is a request that Fastify knows: in the
 * shape of all errors, with the headers of all answers, and a line in the log that names the address.
 */
export function answerRefusedByNode(logger: Logger) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // The client is gone: there is no one to answer.
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const [status, message] = REFUSALS[error.code ?? ""] ?? [400, "This is no HTTP request."];
    const requestId = newRequestId();
    logger.info({ requestId, ip: socket.remoteAddress, code: error.code, status }, "request");
    // An answer that has begun can't be taken back.
    if (socket.writable && !hasBegunAnswer(socket)) {
      socket.write(answerText(status, message, requestId));
    }
    socket.destroy(error);
  };
}

/** Node keeps the answer that a socket is for in `_httpMessage`, as its own handler of such errors has it. */
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
