import { sqlAsOwner } from "./database";

/**
 * Runs an operation that finds its account held by somebody else, and lets things change while
 * it waits: what `sqlAsOwner` does meanwhile is committed just before the operation goes on.
 */
export function whileWaiting<T>(
  account: { id: string },
  act: () => Promise<T>,
  meanwhile: () => Promise<unknown>,
): Promise<PromiseSettledResult<T>> {
  const hold = "select from accounts where id = $1 for no key update";
  return heldUp(() => sqlAsOwner(hold, [account.id]), act, meanwhile);
}

/** The same for an operation that has to wait for the rows that `hold` takes. */
export async function heldUp<T>(
  hold: () => Promise<unknown>,
  act: () => Promise<T>,
  meanwhile: () => Promise<unknown> = () => Promise.resolve(),
): Promise<PromiseSettledResult<T>> {
  await sqlAsOwner("begin");
  await hold();
  let settled = false;
  const outcome = Promise.allSettled([act()]).finally(() => (settled = true));
  try {
    while (!settled && (await waiters()) === 0) await new Promise((go) => setTimeout(go, 5));
    await meanwhile();
  } finally {
    await sqlAsOwner("commit");
  }
  return (await outcome)[0];
}

/** How many wait for our transaction to end. */
async function waiters(): Promise<number> {
  const [row] = await sqlAsOwner<{ count: number }>(`
    select count(*)::int as count from pg_locks
    where locktype = 'transactionid' and not granted and transactionid = pg_current_xact_id()::xid`);
  return row!.count;
}

/** Starts all at once; tells how many went through, and the codes of those that didn't. */
export async function atOnce(
  acts: readonly (() => Promise<unknown>)[],
): Promise<{ done: number; codes: string[] }> {
  const outcomes = await Promise.allSettled(acts.map((act) => act()));
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  return {
    done: outcomes.length - refused.length,
    // Whatever has no code is a bug, and its message says more than "undefined".
    codes: refused.map(({ reason }) => codeOf(reason)).sort(),
  };
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** A list of so many. */
export const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
