import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "pg";
import { PLANNING } from "../src/database/dataSource";
import type { DOCUMENTS } from "./works";

/** One request to a server without GraphQL. */
export interface Asked {
  /** The account that the key names, and the key's hash: what a look-up takes. */
  accountId: string;
  hash: Buffer;
  variables: Record<string, unknown>;
  ip: string;
  userAgent: string | null;
}

/** The text of `data`. */
export type Answers = Partial<Record<keyof typeof DOCUMENTS, (asked: Asked) => Promise<string>>>;

/** Ten connections, set as Gatehouse sets its own. */
export function openPool(): Pool {
  return new Pool({
    connectionString: process.env["DATABASE_URL"],
    max: 10,
    idleTimeoutMillis: 0,
    options: [...PLANNING, "timezone=UTC"].map((one) => `-c ${one}`).join(" "),
  });
}

/**
 * The least of an HTTP server: no router, no GraphQL, no log; the operation's name says what to
 * answer. Tells the process that forked it the port, and ends with it.
 */
export function serve(answers: Answers): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { operationName, variables } = JSON.parse(Buffer.concat(chunks).toString()) as {
        operationName: keyof Answers;
        variables: Record<string, unknown>;
      };
      const key = request.headers.authorization!.slice("Bearer ".length);
      const asked = {
        accountId: `ac_${key.slice(4, 30)}`,
        hash: createHash("sha256").update(key).digest(),
        variables,
        ip: request.socket.remoteAddress!,
        userAgent: request.headers["user-agent"] ?? null,
      };
      answers[operationName]!(asked).then(
        (data) => send(200, `{"data":${data}}`),
        (error: unknown) => send(500, JSON.stringify({ errors: [{ message: String(error) }] })),
      );
    });
    const send = (status: number, text: string) => {
      const length = Buffer.byteLength(text);
      response.writeHead(status, { "content-type": "application/json", "content-length": length });
      response.end(text);
    };
  });
  server.listen(0, "127.0.0.1", () => {
    process.send!({ port: (server.address() as AddressInfo).port });
  });
  process.on("disconnect", () => process.exit(0));
}
