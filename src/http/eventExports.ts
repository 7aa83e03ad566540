import { stringify } from "csv-stringify/sync";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Access } from "../context/access";
import { noteUse } from "../context/authenticate";
import type { Context } from "../context/context";
import { type Filter, firstRows, unhurried } from "../database/firstRows";
import { type Sql, sql } from "../database/sql";
import { Event } from "../entities/Event";
import { DomainError, NotFound } from "../errors";
import { firstIdAt, isId, kindOf } from "../ids";
import { canonicalRange } from "../net/addresses";
import { eventsFilter } from "../reads/filters";
import { followed } from "../reads/followed";
import { Plan } from "../reads/plan";
import type { RememberedCaller } from "../context/rememberedCaller";
import { admit, type AdmittedCaller } from "../reads/admittedCaller";
import { guard } from "../reads/guard";
import type { OpenContext } from "./caller";
import { parsed } from "./parameters";
import type { SendStream } from "./streams";

const PAGE = 500;

const id = z.string().refine(isId, "takes an ID");
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const parameters = z
  .strictObject({
    format: z.enum(["ndjson", "csv"]).default("ndjson"),
    follow: z.enum(["true", "false"]).default("false"),
    after: z
      .string()
      .refine((text) => text === "now" || kindOf(text) === "Event", "takes an event's ID, or `now`")
      .optional(),
    types: z
      .string()
      .max(4096)
      .regex(/^[a-z0-9_.,]+$/, "takes types, separated by commas")
      .transform((list) => list.split(","))
      .optional(),
    principalId: id.optional(),
    objectId: id.optional(),
    ip: z
      .string()
      .max(64)
      .refine(
        (text) => canonicalRange(text) !== null,
        "takes an address or a range in CIDR notation",
      )
      .optional(),
    from: moment.optional(),
    until: moment.optional(),
  })
  .refine(({ after, follow }) => after !== "now" || follow === "true", {
    path: ["after"],
    error: "takes `now` only with `follow=true`",
  });

/**
 * `GET /accounts/:accountId/events`: the account's events, oldest first, as NDJSON or CSV and
 * as far as the caller may read them. With `follow=true` it stays open and sends each event as
 * it happens, for as long as the caller may read them (E4).
 */
export function eventExports(
  app: FastifyInstance,
  { open, sendStream }: { open: OpenContext; sendStream: SendStream },
  done: () => void,
): void {
  app.get<{ Params: { accountId: string } }>(
    "/accounts/:accountId/events",
    async (request, reply) => {
      const { format, follow, after, ...filter } = parsed(parameters, request.query);
      const following = follow === "true";
      const { accountId } = request.params;
      if (!isId(accountId)) throw new NotFound(accountId.slice(0, 64));
      const reader = new EventReader(
        () => open(request, reply),
        accountId,
        unhurried(eventsFilter(filter, ["ip"])),
      );
      await reader.enter();
      void reply.header(
        "content-disposition",
        `attachment; filename="${accountId}-events.${format}"`,
      );
      const write = format === "csv" ? csv : ndjson;
      const begin = after === "now" ? firstIdAt("Event", new Date()) : (after ?? "");
      return sendStream(reply, {
        type: format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson",
        live: following,
        async *chunks(over) {
          if (format === "csv") yield `${CSV_COLUMNS.join(",")}\n`;
          const read = (last: string) => pages(reader, last);
          const batches = following ? followed(read, { after: begin, signal: over }) : read(begin);
          try {
            for await (const events of batches) yield write(events);
          } catch (error) {
            // A follower who may not read on has a complete answer.
            if (following && error instanceof DomainError) return;
            throw error;
          }
        },
      });
    },
  );
  done();
}

interface Entered {
  ctx: Context;
  access: Access;
  /** The caller in a form that a statement verifies; null where none can. */
  caller: RememberedCaller | null;
}

/** Reads events for a caller, and proves with each page that they may still read it. */
class EventReader {
  private entered: Entered | null = null;

  constructor(
    private readonly open: () => Promise<Context>,
    private readonly accountId: string,
    private readonly filter: Filter,
  ) {}

  /** Finds out who asks, and what they may read in the account now. */
  async enter(): Promise<Entered> {
    this.entered = null;
    const ctx = await this.open();
    // First: what changes between the two is then noticed by the statement that verifies the caller.
    const caller = await ctx.verifiable();
    const access = await ctx.in(this.accountId);
    return (this.entered = { ctx, access, caller });
  }

  /**
   * The next events after this id. One statement reads them and verifies the caller, so that none
   * is shown that happened after they lost access.
   *
   * @throws Unauthenticated, NotFound, Forbidden once the caller may not read on.
   */
  async page(after: string): Promise<Event[]> {
    for (;;) {
      const entered = this.entered ?? (await this.enter());
      const events = await this.read(entered, after);
      // A caller whom no statement verifies is looked up anew for each page.
      if (!events || !entered.caller) this.entered = null;
      if (events) return events;
    }
  }

  /** Null where the caller is not as they were when they entered. */
  private async read({ ctx, access, caller }: Entered, after: string): Promise<Event[] | null> {
    const table = ctx.db.table(Event);
    const page = firstRows(
      { columns: table.columns, table: table.name, descending: false, after: sql`${after}::text` },
      [access.readable(Event)],
      this.filter,
      sql`${PAGE}::int`,
    );
    if (!caller) return table.instances(await ctx.db.read(page));
    const { text, values } = bound(page, admit(caller, ctx));
    const rows = await ctx.db.read<{ id: string | null }>({ text, values });
    if (!rows.length) return null;
    noteUseOf(ctx, caller);
    return table.instances(rows.filter(({ id }) => id !== null));
  }
}

/** A page, and no row at all where the caller is not as they were. */
function bound(page: Sql, caller: AdmittedCaller) {
  const plan = new Plan(
    sql`select page.* from (select from ${guard(caller, true)}) caller
      left join lateral (${page}) page on true order by page.id`,
    [],
  );
  return {
    text: plan.text,
    values: plan.values({ caller, args: new Map(), filters: new Map() })!,
  };
}

/** Notes that the caller's token is in use, as every request does. */
function noteUseOf({ db, request, background }: Context, caller: RememberedCaller): void {
  const noted = noteUse(db, caller.principal, caller.lastUsedAt, request);
  if (!noted) return;
  caller.lastUsedAt = new Date();
  background(noted);
}

async function* pages(reader: EventReader, after: string) {
  for (let last = after; ;) {
    const page = await reader.page(last);
    if (page.length) yield page;
    if (page.length < PAGE) return;
    last = page.at(-1)!.id;
  }
}

/** An event as the graph shows it. */
function shown(event: Event) {
  const { id, type, occurredAt, principal, objectId, object, changes, decision } = event;
  const { ip, userAgent, requestId } = event;
  return {
    ...{ id, type, occurredAt, principal, objectId, object, changes, decision },
    ...{ ip, userAgent, requestId },
  };
}

const ndjson = (events: Event[]) =>
  events.map((event) => `${JSON.stringify(shown(event))}\n`).join("");

const CSV_COLUMNS = [
  ...["id", "type", "occurredAt", "principalId", "principalKind", "principalSubject", "surface"],
  ...["credentialId", "sessionId", "objectId", "ip", "userAgent", "requestId"],
  ...["decision", "changes", "object"],
];

/** RFC 4180, every field quoted. A spreadsheet would run what begins as a formula: a user agent may be anything. */
const csv = (events: Event[]) =>
  stringify(events, {
    columns: CSV_COLUMNS,
    cast: { date: (moment) => moment.toISOString() },
    ...{ quoted: true, quoted_empty: true, escape_formulas: true },
  });
