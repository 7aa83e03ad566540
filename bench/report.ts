import type { ServerName } from "./servers";
import type { Work } from "./works";

/** What one server did in one slot; times of answers in ms, processor time in µs a request. */
export interface Result {
  requestsPerSecond: number;
  p50: number;
  p99: number;
  node: number;
  postgres: number;
}

export type Round = Record<ServerName, Result>;

/** Requests per second as a part of those of whoever sets the measure: the median over rounds. */
export function ratioOf(
  { servers: [first] }: Work,
  rounds: Round[],
  name: ServerName = "Gatehouse",
): number {
  return median(rounds.map((r) => r[name].requestsPerSecond / r[first].requestsPerSecond));
}

/** A table in Markdown: medians over rounds, and of what is a ratio the median of the ratios. */
export function table(work: Work, rounds: Round[], statements: number): string {
  const { title, atLeast, servers } = work;
  const [first] = servers;
  const cpu = ({ node, postgres }: Result) => node + postgres;
  const lines = servers.map((name) => {
    const of = (value: (result: Result) => number) => median(rounds.map((r) => value(r[name])));
    return [
      name,
      shown(of((r) => r.requestsPerSecond)),
      shown(ratioOf(work, rounds, name), 2),
      shown(
        of((r) => r.p50),
        1,
      ),
      shown(
        of((r) => r.p99),
        1,
      ),
      shown(of((r) => r.node)),
      shown(of((r) => r.postgres)),
      shown(median(rounds.map((r) => cpu(r[name]) / cpu(r[first]))), 2),
    ];
  });
  const ratio = ratioOf(work, rounds);
  return [
    `### ${title}`,
    "",
    row(["", "requests/s", `× ${first}`, "p50 ms", "p99 ms", "node µs", "pg µs", `CPU × ${first}`]),
    row(["---", ...Array.from({ length: 7 }, () => "---:")]),
    ...lines.map(row),
    "",
    `${rounds.length} rounds. Gatehouse sends ${statements} statements a request. It promises ` +
      `${atLeast} of the requests/s of ${first}, and gives ${shown(ratio, 3)}` +
      (ratio < atLeast ? ": TOO SLOW." : "."),
    "",
  ].join("\n");
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
const shown = (value: number, digits = 0) => (Number.isNaN(value) ? "–" : value.toFixed(digits));
