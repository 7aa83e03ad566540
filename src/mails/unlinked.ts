/** A narrow space that breaks no line, and that neither a domain nor a URL can hold. */
const GAP = "\u202F";

/**
 * A text that others have written, such as a name or a reason, so that no mail program makes a link of
 * `evil.example/x` in it: a narrow space after each dot and colon that something follows. A mail
 * program that looks through zero-width characters still sees no domain.
 */
export function unlinked(text: string): string {
  return text.replace(/[.:\u3002\uFF0E\uFF61](?=\S)/gu, `$&${GAP}`);
}
