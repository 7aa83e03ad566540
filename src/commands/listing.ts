import { z } from "zod";
import type { Context } from "../context/context";
import { EVERYTHING, type Filter, firstRows } from "../database/firstRows";
import { raw, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import { isId, kindOf, PREFIX } from "../ids";
import { canonicalRange } from "../net/addresses";
import { FORBIDDEN_IN_LINES } from "../operations/steps/lineFrom";
import { Misused } from "./command";
import type { Terminal } from "./terminal";

const PAGE = 500;

/** The options of every command that lists rows. */
export const LISTING = { limit: "NUMBER" } as const;

interface Request {
  where: Sql;
  filter?: Filter;
  /** Without it, the latest row is first. */
  oldestFirst?: boolean;
  /** The ID behind which they begin. */
  after?: string;
  /** The most rows. */
  limit?: number;
}

/** The rows that the operator may read, page by page, so that only one page is in memory. */
export async function* pages<E extends { id: string }>(
  ctx: Context,
  entity: Class<E>,
  { where, filter = EVERYTHING, oldestFirst = false, after, limit = Infinity }: Request,
): AsyncGenerator<E[]> {
  const table = ctx.db.table(entity);
  const rules = [ctx.self.readable(entity), where];
  let left = limit;
  for (let last = after; left > 0;) {
    const most = Math.min(PAGE, left);
    const shape = {
      ...{ columns: table.columns, table: table.name, descending: !oldestFirst },
      after: last === undefined ? null : sql`${last}::text`,
    };
    const page = table.instances(
      await ctx.db.query(firstRows(shape, rules, filter, sql`${most}::int`)),
    );
    if (page.length) yield page;
    if (page.length < most) return;
    left -= most;
    last = page.at(-1)!.id;
  }
}

/** The ways to print rows of a kind. */
export interface Format<E> {
  /** For programs: an object, printed as a line of JSON. */
  json: (row: E) => object;
  /** For people: the columns of a table, by their headings. */
  columns: Record<string, (row: E) => string | Date | null>;
}

/** Prints rows as they come: a table for people, NDJSON for programs. */
export function printRows<E>(
  terminal: Terminal,
  rows: AsyncIterable<E[]>,
  { json, columns, asJson }: Format<E> & { asJson: boolean },
): Promise<void> {
  const ndjson = (page: E[]) => page.map((row) => `${JSON.stringify(json(row))}\n`).join("");
  const write = asJson || !terminal.isForPeople ? ndjson : table(columns);
  async function* pieces() {
    for await (const page of rows) yield write(page);
  }
  return terminal.print(pieces());
}

/** Makes pages of a table. The first page sets the widths of columns. Later cells may be wider. */
export function table<E>(columns: Format<E>["columns"]): (page: E[]) => string {
  const names = Object.keys(columns);
  let widths: number[] | undefined;
  return (page) => {
    const rows = page.map((row) => Object.values(columns).map((cell) => shown(cell(row))));
    if (!widths) {
      rows.unshift(names.map((name) => name.toUpperCase()));
      widths = names.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)));
    }
    return rows
      .map(
        (cells) =>
          `${cells
            .map((cell, i) => cell.padEnd(widths![i]!))
            .join("  ")
            .trimEnd()}\n`,
      )
      .join("");
  };
}

/** Characters that move the cursor, break the line or change the direction: users chose these texts. */
const UNSHOWN = new RegExp(FORBIDDEN_IN_LINES, "gu");

function shown(value: string | Date | null): string {
  if (value === null) return "-";
  const text = value instanceof Date ? value.toISOString() : value;
  return text.replace(UNSHOWN, "\ufffd");
}

/** The value of `--limit`. @throws Misused for a text that is no whole number from 1. */
export function limitFrom(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new Misused("--limit takes a whole number from 1, such as 20.");
}

/** The ID in an option. @throws Misused for a text that is no ID, or not one of this kind. */
export function idFrom(option: string, text: string, kind?: "User" | "Account"): string {
  if (kind ? kindOf(text) === kind : isId(text)) return text;
  const example = `${PREFIX[kind ?? "User"]}_01m89bha7efztbe1tjjxw2hkn1`;
  throw new Misused(`--${option} takes an ID, such as ${example}.`);
}

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const moment = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);

/** A moment in an option, given as a date, a time, or how long ago. @throws Misused for another text. */
export function momentFrom(option: string, text: string, now = Date.now()): Date {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count) return new Date(now - Number(count) * MS[unit as keyof typeof MS]);
  if (moment.safeParse(text).success) return new Date(text);
  throw new Misused(
    `--${option} takes a moment, such as 2026-11-27 or 2026-11-27T08:30:00Z, or how long ago it was, such as 30m, 12h or 7d.`,
  );
}

/** The range in an option. @throws Misused for a text that is neither an address nor a range. */
export function rangeFrom(option: string, text: string): string {
  if (canonicalRange(text)) return text;
  throw new Misused(`--${option} takes an address or a range, such as 203.0.113.0/24.`);
}

/** The condition that a column contains a text, ignoring case. */
export function contains(column: "name" | "email", text: string): Sql {
  const pattern = `%${text
    .trim()
    .toLowerCase()
    .replaceAll(/[\\%_]/g, "\\$&")}%`;
  return sql`lower(row.${raw(column)}) like ${pattern}`;
}
