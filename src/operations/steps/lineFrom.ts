import { Refusal, Refused } from "../../errors";

/** Control characters, and what breaks a line (Unicode: Cc, Zl, Zp). */
const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
/**
 * Embeddings, overrides and isolates (UAX #9, sections 2.1 to 2.5): they change the order of the text
 * around the name, so that `exe.txt` reads `txt.exe`.
 *
 * The marks U+200E, U+200F and U+061C (section 2.6) are allowed. Their effect ends with the name, they
 * reverse no letters, and a Hebrew or Arabic name with brackets or digits needs them.
 */
const DIRECTIONS = /[\u202A-\u202E\u2066-\u2069]/u;
/** A character that no line may have: in what users write, in settings, and in what a terminal shows. */
export const FORBIDDEN_IN_LINES = new RegExp(`${BREAKS.source}|${DIRECTIONS.source}`, "u");
/** A letter, digit, sign or symbol that can be seen: not a filler, nor the blank Braille pattern. */
const VISIBLE = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * A line of text that people read: a name, a description, a reason. Every such text goes through this
 * function. It is stored and compared in Unicode form NFC, without white space around it.
 *
 * @param empty The message for a text without visible characters; absent where it may be empty.
 * @throws Refused (BAD_USER_INPUT) for a line break, a control character, a change of direction, or
 * too many bytes.
 */
export function lineFrom(
  text: string,
  field: string[],
  { maxBytes = 255, empty }: { maxBytes?: number; empty?: string } = {},
): string {
  const line = text.normalize("NFC").trim();
  const refuse = (message: string) => new Refused(Refusal.BAD_USER_INPUT, message, field);
  const found = FORBIDDEN_IN_LINES.exec(line);
  if (found) {
    const code = found[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
    const what = DIRECTIONS.test(found[0])
      ? "a character that changes the direction of writing"
      : "a line break or another control character";
    throw refuse(`Remove ${what} (U+${code}), at position ${found.index + 1}.`);
  }
  if (!VISIBLE.test(line)) {
    if (empty !== undefined) throw refuse(empty);
    if (line) throw refuse("This has no visible character. Add one, or leave it empty.");
  }
  return boundedText(line, field, maxBytes);
}

/** A name of a person, an account or a service user. @throws as `lineFrom`. */
export function nameFrom(text: string, field: string[]): string {
  return lineFrom(text, field, { empty: "Give it a name with at least one visible character." });
}

/** A name of so many characters has at most 255 bytes: a character has up to four. */
const MOST_CHARACTERS = 63;

/**
 * A name that a provider sent, without the characters that `nameFrom` refuses, as the user can't be asked
 * for another. Null where no visible character is left.
 */
export function cleanName(text: string | null): string | null {
  const line = (text ?? "")
    .replace(new RegExp(DIRECTIONS, "gu"), "")
    .replace(new RegExp(BREAKS, "gu"), " ")
    .normalize("NFC")
    .replace(/\s+/gu, " ");
  const name = [...line.trim()].slice(0, MOST_CHARACTERS).join("").trim();
  return VISIBLE.test(name) ? name : null;
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
