/**
 * A piece of SQL whose values travel apart from its text, so nothing a caller sends is ever
 * read as SQL. Pieces nest: sql`select ${columns} from t where ${rule} and id = ${id}`.
 */
export class Sql {
  /** `texts` has one entry more than `values`; value i stands between texts i and i + 1. */
  constructor(
    readonly texts: readonly string[],
    readonly values: readonly unknown[],
  ) {}

  /** The statement as PostgreSQL takes it, with `$1`, `$2`, … in place of values. */
  get text(): string {
    let text = this.texts[0]!;
    for (let i = 1; i < this.texts.length; i++) text += `$${i}${this.texts[i]!}`;
    return text;
  }
}

export function sql(strings: TemplateStringsArray, ...inputs: readonly unknown[]): Sql {
  const writer = new Writer();
  inputs.forEach((input, i) => writer.text(strings[i]!).input(input));
  return writer.text(strings[inputs.length]!).done();
}

/** Puts pieces one after another, once: statements are built on every request. */
class Writer {
  private readonly texts = [""];
  private readonly values: unknown[] = [];

  text(text: string): this {
    this.texts[this.texts.length - 1] += text;
    return this;
  }

  input(input: unknown): this {
    if (!(input instanceof Sql)) {
      this.values.push(input);
      this.texts.push("");
      return this;
    }
    this.text(input.texts[0]!);
    for (let i = 0; i < input.values.length; i++) {
      this.values.push(input.values[i]);
      this.texts.push(input.texts[i + 1]!);
    }
    return this;
  }

  done(): Sql {
    return new Sql(this.texts, this.values);
  }
}

/** SQL of our own making: names from entity metadata, never text from a caller. */
export function raw(text: string): Sql {
  return new Sql([text], []);
}

export function join(parts: readonly Sql[], separator: string): Sql {
  const writer = new Writer();
  parts.forEach((part, i) => writer.text(i ? separator : "").input(part));
  return writer.done();
}

export const TRUE = raw("true");
export const FALSE = raw("false");

/** Conditions that must all hold; none at all means every row. */
export function all(conditions: readonly Sql[]): Sql {
  const asked = conditions.filter((condition) => condition !== TRUE);
  if (asked.includes(FALSE)) return FALSE;
  return asked.length ? join(asked, " and ") : TRUE;
}

/** Conditions any of which is enough; none at all means no row. */
export function any(conditions: readonly Sql[]): Sql {
  const open = conditions.filter((condition) => condition !== FALSE);
  if (open.includes(TRUE)) return TRUE;
  return open.length ? sql`(${join(open, " or ")})` : FALSE;
}
