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
  const texts = [strings[0]!];
  const values: unknown[] = [];
  inputs.forEach((input, i) => {
    if (input instanceof Sql) {
      texts[texts.length - 1] += input.texts[0]!;
      values.push(...input.values);
      texts.push(...input.texts.slice(1));
    } else {
      values.push(input);
      texts.push("");
    }
    texts[texts.length - 1] += strings[i + 1]!;
  });
  return new Sql(texts, values);
}

/** SQL of our own making: names from entity metadata, never text from a caller. */
export function raw(text: string): Sql {
  return new Sql([text], []);
}

export function join(parts: readonly Sql[], separator: string): Sql {
  return parts.reduce((all, part) => sql`${all}${raw(separator)}${part}`);
}

/** Conditions that must all hold; none at all means every row. */
export function all(conditions: readonly Sql[]): Sql {
  return conditions.length ? join(conditions, " and ") : raw("true");
}
