import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Access } from "../context/access";
import type { Context } from "../context/context";
import { type Filter, firstRows } from "../database/firstRows";
import { raw, sql } from "../database/sql";
import { Event } from "../entities/Event";
import { DomainError, NotFound, Refusal, Refused, Unavailable } from "../errors";
import { eventsFilter } from "../reads/filters";
import { firstIdAt, isId } from "../ids";

const PAGE = 500;
const POLL_MS = 1_000;
/**
 * An event's id is made before its transaction commits, so one may appear behind others already
 * sent. Following reads this far back each time and sends what it has not sent yet.
 */
const OVERLAP_MS = 15_000;

const id = z.string().refine(isId, "takes an ID");
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const parameters = z.strictObject({
  format: z.enum(["ndjson", "csv"]).default("ndjson"),
  follow: z.enum(["true", "false"]).default("false"),
  types: z
    .string()
    .max(4096)
    .regex(/^[a-z0-9_.,]+$/, "takes types, separated by commas")
    .transform((list) => list.split(","))
    .optional(),
  principalId: id.optional(),
  objectId: id.optional(),
  ip: z.string().max(64).optional(),
  from: moment.optional(),
  until: moment.optional(),
});

type Open = (request: FastifyRequest, reply: FastifyReply) => Promise<Context>;

/**
 * `GET /accounts/:accountId/events`: the account's events, oldest first, as NDJSON or CSV and
 * as far as the caller may read them. With `follow=true` it stays open and sends each event as
 * it happens, for as long as the caller may read them (E4).
 */
export function exportEvents(app: FastifyInstance, open: Open): void {
  const stopping = new AbortController();
  app.addHook("preClose", () => {
    stopping.abort();
    return Promise.resolve();
  });

  app.get<{ Params: { accountId: string } }>(
    "/accounts/:accountId/events",
    async (request, reply) => {
      const { data, error } = parameters.safeParse(request.query);
      if (error) {
        const issue = error.issues[0]!;
        const field = issue.code === "unrecognized_keys" ? issue.keys : issue.path.map(String);
        const message = `\`${field.join("`, `")}\`: ${issue.message}.`;
        throw new Refused(Refusal.BAD_USER_INPUT, message, field);
      }
      const { format, follow, ...filter } = data;
      const { accountId } = request.params;
      if (!isId(accountId)) throw new NotFound(accountId.slice(0, 64));
      const enter = async () => {
        const ctx = await open(request, reply);
        return { ctx, access: await ctx.in(accountId) };
      };
      const asked = eventsFilter(filter);
      const first = await enter();
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const over = AbortSignal.any([stopping.signal, gone.signal]);
      const write = format === "csv" ? csv : ndjson;
      async function* lines() {
        // An answer begins with its first byte, and a follower's may be long in coming.
        if (follow === "true" && format === "ndjson") yield "\n";
        if (format === "csv") yield `${CSV_COLUMNS.join(",")}\n`;
        const recent = new Recent();
        for await (const page of pages(first.ctx, first.access, asked, "")) {
          recent.forgetBefore(recent.since);
          yield recent.unsent(page).map(write).join("");
        }
        if (follow === "true") yield* newcomers(enter, asked, over, write, recent);
      }
      const type = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson";
      return reply.type(type).send(Readable.from(lines(), { objectMode: false }));
    },
  );
}

async function* pages(ctx: Context, access: Access, filter: Filter, after: string) {
  const table = ctx.db.table(Event);
  for (let last = after; ;) {
    const rows = await ctx.db.read(
      firstRows(
        { columns: table.columns, table: table.name, order: raw("row.id") },
        [access.readable(Event), sql`row.id > ${last}`],
        filter,
        sql`${PAGE}::int`,
      ),
    );
    const page = table.instances(rows);
    if (page.length) yield page;
    if (page.length < PAGE) return;
    last = page.at(-1)!.id;
  }
}

/** Remembers what was sent lately, so that reading it again doesn't send it again. */
class Recent {
  private readonly sent = new Set<string>();

  get since(): string {
    return firstIdAt("Event", new Date(Date.now() - OVERLAP_MS));
  }

  unsent(events: Event[]): Event[] {
    const unsent = events.filter(({ id }) => !this.sent.has(id));
    for (const { id } of unsent) this.sent.add(id);
    return unsent;
  }

  /** Nothing before this id is read again. */
  forgetBefore(id: string): void {
    for (const one of this.sent) if (one < id) this.sent.delete(one);
  }
}

/** Events as they happen, for a caller who proves anew each time that they may read them. */
async function* newcomers(
  enter: () => Promise<{ ctx: Context; access: Access }>,
  filter: Filter,
  signal: AbortSignal,
  write: (event: Event) => string,
  recent: Recent,
) {
  for (let from = recent.since; ;) {
    try {
      await sleep(POLL_MS, undefined, { signal });
      const { ctx, access } = await enter();
      const next = recent.since;
      for await (const page of pages(ctx, access, filter, from)) {
        const unsent = recent.unsent(page);
        if (unsent.length) yield unsent.map(write).join("");
      }
      from = next;
      recent.forgetBefore(from);
    } catch (error) {
      if (error instanceof Unavailable) continue; // what happens meanwhile is not lost
      // No longer allowed to, or somebody stops: the stream ends.
      if (signal.aborted || error instanceof DomainError) return;
      throw error;
    }
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

const ndjson = (event: Event) => `${JSON.stringify(shown(event))}\n`;

const CSV_COLUMNS = [
  ...["id", "type", "occurredAt", "principalId", "principalKind", "principalSubject", "surface"],
  ...["credentialId", "sessionId", "objectId", "ip", "userAgent", "requestId"],
  ...["decision", "changes", "object"],
] as const;

/** RFC 4180, every field quoted. */
function csv(event: Event): string {
  const cells = CSV_COLUMNS.map((column) => {
    const value: unknown = event[column];
    const text =
      value instanceof Date
        ? value.toISOString()
        : typeof value === "object" && value !== null
          ? JSON.stringify(value)
          : String((value as string | null) ?? "");
    // A spreadsheet would run it: a user agent may be anything.
    const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return `"${harmless.replaceAll('"', '""')}"`;
  });
  return `${cells.join(",")}\n`;
}
