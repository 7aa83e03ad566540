import { connect, type Socket } from "node:net";

/**
 * A connection that asks one thing at a time. It reads just enough of HTTP to see where an answer
 * ends, since it shares the machine with what it measures.
 */
export class Link {
  private received: Buffer = Buffer.alloc(0);
  private settle: { resolve: (answer: string) => void; reject: (error: Error) => void } | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.receive(chunk));
    socket.on("error", (error) => this.settle?.reject(error));
    socket.on("close", () => this.settle?.reject(new Error("The server closed the connection.")));
  }

  static open(port: number): Promise<Link> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Link(socket)));
      socket.once("error", reject);
    });
  }

  /** Gives status line and the beginning of the body: all of it is too much to decode. */
  ask(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(text);
    });
  }

  close(): void {
    this.settle = undefined;
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.received = this.received.length ? Buffer.concat([this.received, chunk]) : chunk;
    const end = this.received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.received.toString("latin1", 0, end);
    const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (Number.isNaN(length)) {
      this.settle?.reject(new Error(`An answer of unknown length:\n${head}`));
      return;
    }
    if (this.received.length < end + 4 + length) return;
    const body = this.received.toString("latin1", end + 4, end + 4 + Math.min(length, 300));
    this.received = Buffer.alloc(0);
    this.settle?.resolve(`${head.slice(0, 12)} ${body}`);
  }
}

/** A request to `/graphql`, as it goes over the connection. */
export function requestOf(body: string, token?: string): string {
  return (
    "POST /graphql HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: application/json\r\n" +
    `content-type: application/json\r\n${token ? `authorization: Bearer ${token}\r\n` : ""}` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
