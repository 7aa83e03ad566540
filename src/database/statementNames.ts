import { createHash } from "node:crypto";

/** Statements of a shape that may not come again are not worth keeping. */
const FROM_USE = 3;
const MAX_SEEN = 3_000;

/**
 * Which statements are prepared under a name, so that each connection plans them once: those that
 * come again, and at most so many. After a while all names are given anew, so that a statement that
 * is not sent any more keeps none. A name is its text's hash and never comes to mean another text.
 */
export class StatementNames {
  private readonly given = new Map<string, string>();
  private length = 0;
  private readonly uses = new Map<string, number>();
  private until = 0;

  constructor(
    private readonly most: { names: number; characters: number },
    private readonly lastMs: number,
  ) {}

  /** The name to send a statement under; none where it is planned for this once. */
  of(text: string): string | undefined {
    const now = Date.now();
    if (now >= this.until) {
      this.given.clear();
      this.length = 0;
      this.until = now + this.lastMs;
    }
    const known = this.given.get(text);
    if (known || this.given.size >= this.most.names) return known;
    if (this.length + text.length > this.most.characters) return undefined;
    // Counted by their hashes: a text may be long, and most never come again.
    const name = createHash("sha1").update(text).digest("hex");
    const uses = (this.uses.get(name) ?? 0) + 1;
    if (uses < FROM_USE) {
      if (this.uses.size >= MAX_SEEN) this.uses.clear();
      this.uses.set(name, uses);
      return undefined;
    }
    this.uses.delete(name);
    this.given.set(text, name);
    this.length += text.length;
    return name;
  }
}
