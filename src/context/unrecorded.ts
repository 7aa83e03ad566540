/**
 * What an operation may write without an event of its own, and why. A name is a table that has no
 * entity, or one column of one that has.
 */
export const UNRECORDED = {
  one_time_tokens: "An event tells what a link or a challenge led to.",
  "authenticators.last_step": "It makes a code work once, and changes nothing else.",
  "identities.last_used_at": "It is a use, and changes nothing else.",
} as const;
export type Unrecorded = keyof typeof UNRECORDED;

/** How a statement that only reads begins. Locks count as reading. */
const READING = /^\s*(select|with|lock table)\b/i;
const WRITING =
  /\b(?:insert\s+into|delete\s+from|merge\s+into|truncate|(?<!\b(?:for|key|do)\s+)update)\s+(?:table\s+|only\s+)*(\w+)(?:\s+(?:as\s+)?(?!set\b)\w+)?(?:\s+set\s+(\w+)\s*=\s*\$\d+\s+(?=where|from|returning))?/gi;

/**
 * What a statement writes, by the names of `UNRECORDED`: a column where it is all that an update
 * sets, to one value; else the table.
 */
export function writesOf(text: string): string[] {
  const bare = text.replace(/--.*$/gm, "").replace(/'[^']*'/g, "''");
  return [...bare.matchAll(WRITING)].map(([, table, column]) =>
    (column ? `${table}.${column}` : table!).toLowerCase(),
  );
}

/** @throws where the statement does anything but read. */
export function assertReads(text: string): void {
  if (READING.test(text) && !writesOf(text).length) return;
  throw new Error(`Not a statement that only reads: ${text.trim()}`);
}

/** @throws where the statement writes anything else. */
export function assertWritesOnly(place: Unrecorded, text: string): void {
  if (!(place in UNRECORDED)) throw new Error(`Not written without an event: ${place as string}`);
  const other = writesOf(text).find((one) => one !== place);
  if (other) throw new Error(`Writes ${other}, and may write ${place} alone`);
}
