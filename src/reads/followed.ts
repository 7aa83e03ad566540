import { setTimeout as sleep } from "node:timers/promises";
import { Unavailable } from "../errors";
import { firstIdAt } from "../ids";

const POLL_MS = 1_000;
/**
 * An event has its ID before its transaction commits, so it may appear behind others that
 * were given already. Following reads this far back each time, and gives what it has not given yet.
 */
const OVERLAP_MS = 15_000;

interface Following {
  /** The ID behind which it begins. */
  after: string;
  /** Ends it. */
  signal: AbortSignal;
  /** Hears once of each time that the database is away. What happens meanwhile is given later. */
  onAway?: (error: Unavailable) => void;
}

/**
 * Events that are there, and then each as it happens, until the signal.
 *
 * @param read Reads what comes after an ID, the oldest first.
 */
export async function* followed<E extends { id: string }>(
  read: (after: string) => AsyncIterable<E[]>,
  { after, signal, onAway }: Following,
): AsyncGenerator<E[]> {
  const given = new Set<string>();
  let from = after;
  for (let isAway = false; !signal.aborted;) {
    const overlap = firstIdAt("Event", new Date(Date.now() - OVERLAP_MS));
    const goOnFrom = (id: string) => {
      const earlier = id < overlap ? id : overlap;
      if (earlier > from) from = earlier;
      for (const one of given) if (one < from) given.delete(one);
    };
    try {
      for await (const page of read(from)) {
        const fresh = page.filter(({ id }) => !given.has(id));
        for (const { id } of fresh) given.add(id);
        if (fresh.length) yield fresh;
        if (signal.aborted) return;
        goOnFrom(page.at(-1)!.id);
      }
      goOnFrom(overlap);
      isAway = false;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (!isAway) onAway?.(error);
      isAway = true;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}
