import { Refusal, Refused } from "../../errors";

/** A name without white space around it. */
export function nameFrom(text: string, field: string[]): string {
  const name = text.trim();
  if (!name) throw new Refused(Refusal.BAD_USER_INPUT, "Give it a name.", field);
  return boundedText(name, field, 255);
}

export function boundedText(text: string, field: string[], maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw new Refused(
    Refusal.BAD_USER_INPUT,
    `Use at most ${maxBytes} bytes; this has ${bytes}.`,
    field,
  );
}
