import { readFileSync } from "node:fs";
import type { Client } from "pg";

/** USER_HZ, which Linux has fixed at 100 for programs on every platform that matters. */
const MICROSECONDS_PER_TICK = 10_000;

/** Processor time that a server's process and all of PostgreSQL's have used so far, in µs. */
export interface Cpu {
  node: number;
  postgres: number;
}

/**
 * Read from /proc; NaN where there is none, or where PostgreSQL runs on another machine. It is
 * all of PostgreSQL's processes, those that write behind included, except the postmaster.
 */
export async function cpuOf(pid: number, client: Client): Promise<Cpu> {
  const { rows } = await client.query<{ pid: number }>({
    name: "processes",
    text: "select pid from pg_stat_activity",
  });
  const used = rows.map((row) => timeOf(row.pid, "postgres")).filter((time) => !Number.isNaN(time));
  return {
    node: timeOf(pid),
    postgres: used.length ? used.reduce((sum, time) => sum + time, 0) : NaN,
  };
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
