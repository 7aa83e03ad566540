import { Link, requestOf } from "./link";
import type { Seeded } from "./seed";
import { bodyOf, CONNECTIONS, WORKS, type WorkName } from "./works";

/** The load generator, a process of its own: connections that each wait for an answer and ask again. */
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
        const answer = await link.ask(requestOf(bodyOf(ask), ask.key));
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
