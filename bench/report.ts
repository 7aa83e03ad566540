import type { ServerName } from "./servers";
import { SERVER_NAMES } from "./servers";
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

/** Gatehouse's requests per second as a part of the limit's: the median over rounds. */
export function ratioOf(rounds: Round[], name: ServerName = "Gatehouse"): number {
  return median(rounds.map((r) => r[name].requestsPerSecond / r.limit.requestsPerSecond));
}

/** A table in Markdown: medians over rounds, and of what is a ratio the median of the ratios. */
export function table({ title, atLeast }: Work, rounds: Round[], statements: number): string {
  const cpu = ({ node, postgres }: Result) => node + postgres;
  const lines = SERVER_NAMES.map((name) => {
    const of = (value: (result: Result) => number) => median(rounds.map((r) => value(r[name])));
    return [
      name,
      shown(of((r) => r.requestsPerSecond)),
      shown(ratioOf(rounds, name), 2),
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
      shown(median(rounds.map((r) => cpu(r[name]) / cpu(r.limit))), 2),
    ];
  });
  const ratio = ratioOf(rounds);
  return [
    `### ${title}`,
    "",
    row(["", "requests/s", "× limit", "p50 ms", "p99 ms", "node µs", "pg µs", "CPU × limit"]),
    row(["---", ...Array.from({ length: 7 }, () => "---:")]),
    ...lines.map(row),
    "",
    `${rounds.length} rounds. Gatehouse sends ${statements} statements a request. It promises ` +
      `${atLeast} of the limit's requests/s, and gives ${shown(ratio, 3)}` +
      (ratio < atLeast ? ": TOO SLOW." : "."),
    "",
  ].join("\n");
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
const shown = (value: number, digits = 0) => (Number.isNaN(value) ? "–" : value.toFixed(digits));
