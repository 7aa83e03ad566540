/** Ends what was started. */
export type Stop = () => Promise<unknown>;

/**
 * Aborts at the first SIGTERM or SIGINT, with the signal's name as its reason. The signals end nothing
 * by themselves from here on: an embedded database that was begun would go on without us.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => controller.abort(signal));
  }
  return controller.signal;
}

/** Stops what was started, the last first, each once. One that fails keeps no other from it. */
export async function stopAll(stops: Stop[], report: (error: unknown) => void): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop().catch(report);
}
