import { connect, type Socket } from "node:net";
import type { Seeded } from "./seed";
import { type Ask, bodyOf, CONNECTIONS, WORKS, type WorkName } from "./works";

/**
 * The load generator, a process of its own: connections that each wait for an answer and ask
 * again. It reads just enough of HTTP to see where an answer ends, since it shares the machine
 * with what it measures.
 */
export interface Slot {
  seeded: Seeded;
  work: WorkName;
  port: number;
  seconds: number;
}

export interface Measured {
  requestsPerSecond: number;
  p50: number;
  p99: number;
  /** All requests, those before and after the measured time included. */
  requests: number;
}

/** Before the clock runs, connections open and the caches fill. */
const SETTLE_MS = 300;

/** A connection that asks one thing at a time. */
class Link {
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

function textOf(ask: Ask): string {
  const body = bodyOf(ask);
  return (
    "POST /graphql HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: application/json\r\n" +
    `content-type: application/json\r\nauthorization: Bearer ${ask.key}\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  );
}

async function run({ seeded, work, port, seconds }: Slot): Promise<Measured> {
  const links = await Promise.all(Array.from({ length: CONNECTIONS }, () => Link.open(port)));
  const from = performance.now() + SETTLE_MS;
  const until = from + seconds * 1000;
  const latencies: number[] = [];
  let requests = 0;
  const drive = async (link: Link, connection: number) => {
    while (performance.now() < until) {
      for (const ask of WORKS[work].turn(seeded, connection)) {
        const asked = performance.now();
        const answer = await link.ask(textOf(ask));
        const answered = performance.now();
        if (!answer.startsWith(`HTTP/1.1 200 ${ask.expects}`)) {
          throw new Error(`${ask.operation} was answered: ${answer}`);
        }
        requests++;
        if (answered >= from && answered < until) latencies.push(answered - asked);
      }
    }
  };
  try {
    await Promise.all(links.map(drive));
  } finally {
    for (const link of links) link.close();
  }
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? NaN;
  return {
    requestsPerSecond: latencies.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    requests,
  };
}

process.on("message", (slot: Slot) => {
  run(slot).then(
    (measured) => process.send!({ measured }),
    (error: Error) => process.send!({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit(0));
