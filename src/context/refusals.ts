import type { Database } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import { Event, PrincipalKind, UserEvent } from "../entities/Event";
import { type Forbidden, Unavailable } from "../errors";
import type { Principal, Request, Standing } from "../principal";
import { eventBy, type Happening } from "./recording";

/** Refusals of one kind by one principal become events at most this often (E1). */
const QUIET_SECONDS = 60;
/** How many objects and places are told apart in one kind and minute. */
const MOST_APART = 20;
/** What is counted for all others of a kind. */
const OTHERS = "others";

type Refusal = Omit<Happening, "occurredAt" | "changes" | "object"> & {
  object?: Happening["object"];
};

/** Refusals of one object from one place: as the latest was, and since when they are counted. */
interface Counted {
  principal: Principal;
  request: Request;
  refusal: Refusal;
  count: number;
  since: Date;
}

/** Refusals of one kind by one principal that no event tells yet. */
class Kind {
  private counted = new Map<string, Counted>();
  /** When the database was last asked whether they may be told, in milliseconds. */
  askedAt = -Infinity;

  constructor(
    readonly streamId: string,
    readonly principalId: string,
    readonly what: string,
  ) {}

  get key(): string {
    return `${this.streamId} ${this.principalId} ${this.what}`;
  }

  get isEmpty(): boolean {
    return this.counted.size === 0;
  }

  isQuiet(now: number): boolean {
    return now - this.askedAt < QUIET_SECONDS * 1000;
  }

  add(one: Counted): void {
    const place = placeOf(one);
    const apart = this.counted.has(place) || this.counted.size < MOST_APART;
    this.merge(apart ? place : OTHERS, one);
  }

  /** Gives what was counted, and counts from nothing. */
  take(): Map<string, Counted> {
    const taken = this.counted;
    this.counted = new Map();
    return taken;
  }

  /** What was taken was not told after all. */
  giveBack(taken: Map<string, Counted>): void {
    const since = this.take();
    for (const [place, one] of taken) this.merge(place, one);
    for (const [place, one] of since) {
      if (place === OTHERS) this.merge(OTHERS, one);
      else this.add(one);
    }
  }

  private merge(place: string, one: Counted): void {
    const before = this.counted.get(place);
    const count = one.count + (before?.count ?? 0);
    this.counted.set(place, { ...one, count, since: before?.since ?? one.since });
  }
}

/** What is told apart within a kind. */
const placeOf = ({ request, refusal }: Counted) => `${refusal.objectId} ${request.ip}`;

/**
 * What a server has refused and not told. What it counts here it tells itself; a server that is killed
 * loses it. Whether a kind may be told now is decided by the database alone, for all servers.
 */
class Refusals {
  private readonly kinds = new Map<string, Kind>();

  constructor(private readonly db: Database) {}

  /**
   * Counts a refusal. The first of a kind in a minute is told before this returns; the others cost no
   * connection. Gives whether it was such a first one, as far as this server knows.
   */
  async add(principal: Principal, request: Request, refusal: Refusal): Promise<boolean> {
    const { stream, decision, type } = refusal;
    const { action, subject, code = "" } = decision;
    const streamId = "accountId" in stream ? stream.accountId : stream.userId;
    const what = `${type} ${action} ${subject.type} ${code}`;
    const made = new Kind(streamId, principal.id, what);
    const kind = this.kinds.get(made.key) ?? made;
    this.kinds.set(kind.key, kind);
    kind.add({ principal, request, refusal, count: 1, since: new Date() });
    if (kind.isQuiet(Date.now())) return false;
    await this.tell([kind], QUIET_SECONDS);
    return true;
  }

  /** Tells what may be told by now, and forgets kinds that were refused no more. */
  async tellDue(): Promise<void> {
    const now = Date.now();
    for (const kind of this.kinds.values()) {
      if (kind.isEmpty && !kind.isQuiet(now)) this.kinds.delete(kind.key);
    }
    await this.tell([...this.kinds.values()], QUIET_SECONDS);
  }

  /** Tells all of it, however short ago its kind was told: the server stops. */
  async tellAll(): Promise<void> {
    const kinds = [...this.kinds.values()];
    this.kinds.clear();
    await this.tell(kinds, 0);
  }

  private async tell(kinds: readonly Kind[], quietSeconds: number): Promise<void> {
    const asked = kinds
      .filter((kind) => !kind.isEmpty)
      .map((kind) => ({ kind, taken: kind.take() }));
    if (!asked.length) return;
    for (const { kind } of asked) kind.askedAt = Date.now();
    const events = asked.flatMap(({ kind: { key }, taken }) =>
      [...taken].map(([place, one]) => ({ key, event: eventOf(one, place === OTHERS) })),
    );
    const told = await this.db
      .query<{ key: string }>(this.telling(kinds, events, quietSeconds))
      .catch((error: unknown) => {
        if (error instanceof Unavailable) for (const { kind, taken } of asked) kind.giveBack(taken);
        throw error;
      });
    const keys = new Set(told.map(({ key }) => key));
    for (const { kind, taken } of asked) if (!keys.has(kind.key)) kind.giveBack(taken);
  }

  /**
   * The statement that writes the events of those kinds that were told long enough ago. It is the same
   * for an account as for a user, and for a user that there is not, for whom it writes none (U2).
   */
  private telling(
    kinds: readonly Kind[],
    events: readonly { key: string; event: Event | UserEvent }[],
    quietSeconds: number,
  ): Sql {
    const asked = kinds.map(({ streamId: stream, principalId: principal, what }) => ({
      stream,
      principal,
      what,
    }));
    const of = (entity: Class<Event> | Class<UserEvent>) =>
      events.filter(({ event }) => event instanceof entity);
    return sql`
      with told as (
        insert into refusals as r (stream_id, principal_id, what, recorded_at)
        select stream, principal, what, now()
        from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb)
          k(stream text, principal text, what text)
        -- In one order: otherwise two servers that hold what the other wants would wait forever.
        order by 1, 2, 3
        on conflict (stream_id, principal_id, what) do update set recorded_at = excluded.recorded_at
          where r.recorded_at <= now() - make_interval(secs => ${quietSeconds})
        returning concat_ws(' ', stream_id, principal_id, what) as key),
      in_accounts as (${this.insertion(Event, of(Event))}),
      of_users as (${this.insertion(UserEvent, of(UserEvent))}
        join users on users.id = e.user_id)
      select key from told`;
  }

  /** Those of the kinds that are `told`. */
  private insertion<E extends Event | UserEvent>(
    entity: Class<E>,
    events: readonly { key: string; event: object }[],
  ): Sql {
    const table = this.db.table(entity);
    const columns = table.keys.map((property) => table.column(property));
    const rows = events.map(({ key, event }) => {
      const values = table.keys.map((property, i): [string, unknown] => [
        columns[i]!,
        Reflect.get(event, property),
      ]);
      return { key, event: Object.fromEntries(values) };
    });
    return sql`insert into ${table.name} (${raw(columns.join(", "))})
      select ${raw(columns.map((column) => `e.${column}`).join(", "))}
      from jsonb_array_elements(${JSON.stringify(rows)}::jsonb) row
        cross join lateral jsonb_populate_record(null::${table.name}, row -> 'event') e
        join told on told.key = row ->> 'key'`;
  }
}

function eventOf(
  { principal, request, refusal, count, since }: Counted,
  mixed: boolean,
): Event | UserEvent {
  const several = count > 1 && { since: since.toISOString() };
  const decision = { ...refusal.decision, count, ...several, ...(mixed && { mixed }) };
  const happening = { object: {}, ...refusal, occurredAt: new Date(), changes: {}, decision };
  return eventBy(principal, request, happening);
}

/** Of each database that this process uses, which is one for a server. */
const refusals = new WeakMap<Database, Refusals>();

function refusalsOf(db: Database): Refusals {
  const known = refusals.get(db) ?? new Refusals(db);
  refusals.set(db, known);
  return known;
}

/**
 * Counts a refusal for the events, where the first of a kind in a minute stands by itself when this
 * returns. `decision.count` says how many refusals an event stands for. Gives whether it was such a
 * first one, as far as this server knows.
 */
export const recordRefusal = (
  db: Database,
  principal: Principal,
  request: Request,
  refusal: Refusal,
): Promise<boolean> => refusalsOf(db).add(principal, request, refusal);

/** Writes the events of refusals that were only counted, once their minute is over. */
export const tellRefusals = (db: Database): Promise<void> => refusalsOf(db).tellDue();

/** Writes all of them, before this server stops. */
export const tellAllRefusals = (db: Database): Promise<void> => refusalsOf(db).tellAll();

/** What a denial leaves behind: in the account (a service user's own at least), or with the user. */
export function denialOf(principal: Principal, standing: Standing | null, error: Forbidden) {
  const { decision, code } = error;
  const accountId =
    standing?.accountId ??
    (principal.kind === PrincipalKind.SERVICE_USER ? principal.accountId : null);
  const stream = accountId ? { accountId } : { userId: principal.id };
  return {
    type: "action_refused.v1" as const,
    stream,
    objectId: decision?.subject.id ?? standing?.accountId ?? principal.id,
    object: decision ? { type: decision.subject.type } : {},
    decision: {
      action: decision?.action ?? "enter",
      subject: decision?.subject ?? { type: "Account", id: accountId },
      allowed: false,
      rule: decision?.rule ?? null,
      code,
      roles: standing?.roles ?? null,
    },
  };
}
