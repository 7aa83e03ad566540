import { readFileSync } from "node:fs";
import type { Client } from "pg";

/** USER_HZ, which Linux has fixed at 100 for programs on every platform that matters. */
const MICROSECONDS_PER_TICK = 10_000;

/** Processor time that processes have used so far, in µs, by their pid. */
export interface Cpu {
  node: number;
  postgres: Map<number, number>;
}

/**
 * Read from /proc; nothing where there is none, or where PostgreSQL runs on another machine. It
 * is all of PostgreSQL's processes, those that write behind included, except the postmaster.
 */
export async function cpuOf(pid: number, client: Client): Promise<Cpu> {
  const { rows } = await client.query<{ pid: number }>({
    name: "processes",
    text: "select pid from pg_stat_activity",
  });
  const times = rows.map((row) => [row.pid, timeOf(row.pid, "postgres")] as const);
  const found = times.filter(([, time]) => !Number.isNaN(time));
  return { node: timeOf(pid), postgres: new Map(found) };
}

/** What was used in between, by node and by PostgreSQL; NaN where it can't be known. */
export function usedBetween(before: Cpu, after: Cpu): { node: number; postgres: number } {
  let postgres = after.postgres.size ? 0 : NaN;
  // A connection that was idle for long has ended meanwhile: it did nothing in that time.
  for (const [pid, time] of after.postgres) postgres += time - (before.postgres.get(pid) ?? 0);
  return { node: after.node - before.node, postgres };
}

/** utime and stime of /proc/<pid>/stat, which follow the name in parentheses (proc(5)). */
function timeOf(pid: number, expected?: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const end = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, end);
    if (expected && name !== expected) return NaN;
    const fields = stat.slice(end + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
  } catch {
    return NaN;
  }
}
