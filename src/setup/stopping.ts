/** Stops a service that was started. */
export type Stop = () => Promise<unknown>;

/**
 * Aborts at the first SIGTERM or SIGINT, with the signal's name as its reason. From here on these signals
 * do not end the process: an embedded database that it has started would go on running.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => controller.abort(signal));
  }
  return controller.signal;
}

/** Stops all services once, the last one first. If one fails to stop, the others still are stopped. */
export async function stopAll(stops: Stop[], report: (error: unknown) => void): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop().catch(report);
}
