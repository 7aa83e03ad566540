import type { Database, Queryable, Statement, TransactionConnection } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import type { Class, Table } from "../database/table";
import { Account } from "../entities/Account";
import type { Changes, Event, EventType, UserEvent } from "../entities/Event";
import { NotFound } from "../errors";
import { isFresh } from "../identity/sessions";
import { type Ability, type Action, ruleFor, type Subject } from "../policies/ability";
import { denied, stale } from "../policies/denial";
import { allowed } from "../policies/allowedRows";
import { subjectName } from "../policies/wording";
import type { Principal, Request, Standing } from "../principal";
import { eventBy } from "./recording";
import { assertReads, assertWritesOnly, type Unrecorded } from "./unrecorded";

/** A row that may be locked. */
export type Lockable = Subject & { id: string };
type Recordable = Exclude<Subject, Event | UserEvent>;

/** A row as an event tells it. */
interface Shown {
  object: Record<string, unknown>;
  changes: Changes;
}

/** What may be done to a row besides reading it, which allows no write. */
type Change = Exclude<Action, "read">;

interface Authorized {
  action: Change;
  /** What the policy was asked, and is asked again before anything is written. */
  because: { action: Change; row: Subject };
}

/**
 * The words operations are written in: lock, authorize, check, save, record, and what to tell
 * the world after. A row saved without being authorized, or without an event, cannot commit.
 */
export class Transaction {
  readonly now = new Date();
  private readonly before = new Map<Subject, object>();
  /** Rows that were there before the transaction. */
  private readonly locked = new Set<Subject>();
  private readonly authorized = new Map<Subject, Authorized>();
  /** What was saved and not recorded yet, as it was saved: its event tells that and no more. */
  private readonly saved = new Map<Subject, Shown>();
  /** What each event tells besides its row. */
  private details: Record<string, string> = {};
  /** A row that waits for its event, so that one statement writes both: a round trip less. */
  private waiting: Sql | null = null;
  /** What is written once something follows: the last statement of all may need no BEGIN. */
  private unsent: Sql | null = null;
  private readonly announcements: (() => Promise<void> | void)[] = [];

  constructor(
    private readonly db: Pick<Database, "table">,
    private readonly connection: TransactionConnection,
    readonly principal: Principal,
    private readonly request: Request,
    /** The principal's place in the account, read after the account was locked. */
    readonly standing: Standing | null,
    readonly ability: Ability,
  ) {}

  /** Reads, or locks. A row is written by `save` and `delete`, whatever else by `unrecorded`. */
  async query<R extends object>(statement: Sql): Promise<R[]> {
    assertReads(statement.text);
    return this.run<R>(statement);
  }

  /** Writes what has no event of its own: this table or column, and nothing else. */
  unrecorded(place: Unrecorded): Queryable {
    return {
      query: <R extends object>(statement: Statement) => {
        assertWritesOnly(place, statement.text);
        return this.run<R>(statement);
      },
    };
  }

  /**
   * Takes a row the principal can see and holds it until commit. (The account is held already,
   * so rows are always locked in the same order.)
   *
   * The lock lets others insert rows that point at this one, so writing an event never waits.
   *
   * @throws NotFound when it is absent or invisible.
   */
  async lock<E extends Lockable>(entity: Class<E>, id: string): Promise<E> {
    const found = await this.query(locking(this.db.table(entity), id, this));
    return this.lockedAs(entity, id, found);
  }

  /** The same, where `locking` was sent before: with what it found. */
  lockedAs<E extends Lockable>(entity: Class<E>, id: string, found: object[]): E {
    const [row] = this.taken(entity, found);
    if (!row) throw new NotFound(id);
    return row;
  }

  /** The same for every visible row that fits the condition, oldest first. */
  async rows<E extends Lockable>(entity: Class<E>, condition: Sql): Promise<E[]> {
    return this.taken(
      entity,
      await this.query(visibleRows(this.db.table(entity), condition, this)),
    );
  }

  private taken<E extends Lockable>(entity: Class<E>, found: object[]): E[] {
    const rows = this.db.table(entity).instances(found);
    for (const row of rows) {
      this.before.set(row, { ...row });
      this.locked.add(row);
    }
    return rows;
  }

  /**
   * Stops the operation unless the principal may do this to this very row, before it is
   * changed.
   *
   * @throws Forbidden with the decision.
   */
  authorize(action: Change, row: Subject): void {
    if ((action as Action) === "read") throw new Error("To read a row authorizes no change of it");
    this.check(action, row);
    this.authorized.set(row, { action, because: { action, row } });
  }

  /**
   * Stops what was authorized and is sensitive, unless the person proved a short while ago that
   * it is them (U11). No person is there to prove it for an API key: the key was made with such a proof, and
   * what takes a person at any time is refused to it by the policy.
   *
   * @throws Forbidden (REAUTHENTICATION_REQUIRED).
   */
  requireFresh(row: Subject): void {
    const { sessionId, authenticatedAt } = this.principal;
    if (!sessionId || isFresh(authenticatedAt, this.now)) return;
    throw stale(this.assertAuthorized(row).action, row);
  }

  /** What follows by itself from something authorized: a removed member's keys are revoked. */
  entail(action: Change, rows: readonly Subject[], cause: Subject): void {
    const authorized = this.authorized.get(cause);
    if (!authorized) throw new Error(`Entailed by what was not authorized: ${nameOf(cause)}`);
    for (const row of rows) this.authorized.set(row, { action, because: authorized.because });
  }

  /**
   * Writes an authorized row, after asking again of the row as it would be. Otherwise a team
   * manager, who may not touch administrators, could simply make another member one.
   */
  async save(row: Subject): Promise<void> {
    const table = this.db.table(row.constructor as Class<Subject>);
    const { action } = this.assertAuthorized(row);
    const created = action === "create" && !this.locked.has(row);
    if (!created && (action === "create" || !this.before.has(row))) {
      throw new Error(`Authorized to ${action}, which is not what saving it does: ${nameOf(row)}`);
    }
    await this.writeWaiting();
    const saved = this.asShown(row);
    if (this.before.has(row)) {
      const changed = [...Object.keys(saved.changes), ...this.newSecrets(row)];
      const keys = "accountId" in row ? ["accountId", "id"] : ["id"];
      if (changed.length) this.waiting = table.change(row, keys, changed);
    } else {
      this.waiting = table.insertion([row]);
    }
    this.saved.set(row, saved);
  }

  /** The same for many rows, of one account if of any, in which a column took the same value. */
  async saveAll<E extends Lockable>(rows: readonly E[], property: keyof E & string): Promise<void> {
    const [first] = rows;
    if (!first) return;
    for (const row of rows) this.assertAuthorized(row);
    const table = this.db.table(first.constructor as Class<E>);
    const inAccount = "accountId" in first ? sql`account_id = ${first.accountId} and` : raw("");
    const ids = rows.map((row) => row.id);
    await this.run(sql`
      update ${table.name} set ${raw(table.column(property))} = ${first[property]}
      where ${inAccount} id = any(${ids})`);
    for (const row of rows) this.saved.set(row, this.asShown(row));
  }

  /** Deletes an authorized row of a user's own; its event tells it as it was. */
  async delete(row: Lockable & { userId: string }): Promise<void> {
    const { action } = this.assertAuthorized(row);
    if (action !== "delete")
      throw new Error(`Deleted, and authorized to ${action}: ${nameOf(row)}`);
    await this.writeWaiting();
    const { name } = this.db.table(row.constructor as Class<Lockable>);
    this.waiting = sql`delete from ${name} where id = ${row.id}`;
    this.saved.set(row, this.asShown(row));
  }

  /** Has each event from here on tell this besides its row, such as a reason. Never a secret. */
  tell(details: Record<string, string>): void {
    this.details = details;
  }

  /**
   * Writes the event of each saved row: the row as it now is, and what changed since it was
   * locked. Rows of an account go to its stream, a user's own rows to theirs.
   */
  async record(type: EventType, ...rows: readonly Recordable[]): Promise<void> {
    await this.write(type, rows, (row) => {
      const saved = this.saved.get(row);
      if (!saved) throw new Error(`Recorded without saving: ${nameOf(row)}`);
      return saved;
    });
  }

  /** The same for authorized rows that it concerns and that stay as they are. */
  async note(type: EventType, ...rows: readonly Recordable[]): Promise<void> {
    await this.write(type, rows, (row) => {
      const shown = this.asShown(row);
      const changed = Object.keys(shown.changes).length + this.newSecrets(row).length;
      if (changed) throw new Error(`Noted as it is, and changed: ${nameOf(row)}`);
      return shown;
    });
  }

  private async write(
    type: EventType,
    rows: readonly Recordable[],
    shown: (row: Recordable) => Shown,
  ): Promise<void> {
    const events = rows.map((row) => {
      const { action, because } = this.assertAuthorized(row);
      const { object, changes } = shown(row);
      const objectId = "id" in row ? row.id : row.ipRestrictionId;
      return eventBy(this.principal, this.request, {
        type,
        occurredAt: this.now,
        stream: streamOf(row),
        objectId,
        object: { ...object, ...this.details },
        changes,
        decision: {
          action,
          subject: { type: subjectName(row.constructor.name), id: objectId },
          allowed: true,
          rule: ruleFor(this.ability, because.action, because.row)?.reason ?? null,
          roles: this.standing?.roles ?? null,
        },
      });
    });
    const [first] = events;
    if (!first) return;
    const insertion = this.db.table(first.constructor as Class<object>).insertion(events);
    const { waiting } = this;
    this.waiting = null;
    await this.writeWaiting();
    this.unsent = waiting ? sql`with saved as (${waiting}) ${insertion}` : insertion;
    for (const row of rows) {
      this.saved.delete(row);
      this.before.set(row, { ...row });
    }
  }

  /** Puts off mail and the like until there is something to announce. */
  afterCommit(announce: () => Promise<void> | void): void {
    this.announcements.push(announce);
  }

  /** Called before commit. A write without its event is a bug, so it must not stay. */
  async finish(): Promise<void> {
    if (this.saved.size > 0) {
      const names = [...this.saved.keys()].map(nameOf);
      throw new Error(`Saved without recording an event: ${names.join(", ")}`);
    }
    if (this.unsent) await this.connection.last(this.unsent);
  }

  async announce(): Promise<void> {
    for (const announce of this.announcements) await announce();
  }

  private async run<R extends object>(statement: Statement): Promise<R[]> {
    await this.writeWaiting();
    return this.connection.query<R>(statement);
  }

  private async writeWaiting(): Promise<void> {
    const { unsent, waiting } = this;
    this.unsent = this.waiting = null;
    if (unsent) await this.connection.query(unsent);
    if (waiting) await this.connection.query(waiting);
  }

  private check(action: Action, row: Subject): void {
    if (this.ability.can(action, row)) return;
    throw denied(this.ability, this.standing, action, row, this.principal);
  }

  private assertAuthorized(row: Subject): Authorized {
    const authorized = this.authorized.get(row);
    if (!authorized) throw new Error(`Saved without authorizing: ${nameOf(row)}`);
    this.check(authorized.because.action, authorized.because.row);
    return authorized;
  }

  /** Secret columns that were set: they are never read, so what is there is new. */
  private newSecrets(row: Subject): string[] {
    const { secrets } = this.db.table(row.constructor as Class<Subject>);
    return secrets.filter((key) => key in row);
  }

  /** The columns that anyone may see, and which of them changed since the row was locked. */
  private asShown(row: Subject): Shown {
    const { keys } = this.db.table(row.constructor as Class<Subject>);
    const before = this.before.get(row) ?? {};
    const object: Shown["object"] = {};
    const changes: Changes = {};
    for (const key of keys) {
      const was = plain(Reflect.get(before, key));
      const is = plain(Reflect.get(row, key));
      object[key] = is;
      if (was !== is && JSON.stringify(was) !== JSON.stringify(is)) changes[key] = [was, is];
    }
    return { object, changes };
  }
}

interface View {
  readonly ability: Ability;
  readonly standing: Standing | null;
}

/** The statement that locks a row, where this view shows it. */
export const locking = <E extends Lockable>(table: Table<E>, id: string, view: View): Sql =>
  visibleRows(table, sql`row.id = ${id}`, view);

function visibleRows<E extends Lockable>(
  table: Table<E>,
  condition: Sql,
  { ability, standing }: View,
): Sql {
  const inAccount =
    standing && table.entity !== (Account as Class<object>)
      ? sql`row.account_id = ${standing.accountId} and`
      : raw("");
  const visible = allowed(ability, "read", table.entity as never, table.at("row"));
  return sql`select ${table.withVirtual} from ${table.name} row
    where ${inAccount} ${condition} and ${visible} order by row.id for no key update of row`;
}

function plain(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : (value ?? null);
}

const nameOf = (row: Subject) => row.constructor.name;

function streamOf(row: Subject): { accountId: string } | { userId: string } {
  if ("accountId" in row) return { accountId: row.accountId };
  if (row instanceof Account) return { accountId: row.id };
  return { userId: "userId" in row ? row.userId : row.id };
}
