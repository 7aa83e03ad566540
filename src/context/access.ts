import { isDeepStrictEqual } from "node:util";
import type { AccountEntries } from "./accountEntries";
import type { Database, Queryable, Statement, TransactionConnection } from "../database/database";
import { all, type Sql, sql } from "../database/sql";
import type { Class } from "../database/table";
import { Account } from "../entities/Account";
import { PrincipalKind } from "../entities/Event";
import { Forbidden } from "../errors";
import { abilityIn, abilityOver } from "../policies/abilities";
import type { Ability, Action, Subject, SubjectClass } from "../policies/ability";
import { gate, type Verdict, warn } from "../policies/gate";
import { allowed } from "../policies/allowedRows";
import type { Principal, Request, Standing } from "../principal";
import { holdAccount, holdAccountsOf, holdSession } from "./holds";
import { denialOf, recordRefusal } from "./refusals";
import { holdStanding, OutOfDate } from "./standing";
import { locking, type Lockable, Transaction } from "./transaction";

/** What an access uses of the request that it is part of. */
interface Surroundings {
  readonly db: Database;
  readonly request: Request;
  readonly services: { readonly entries: AccountEntries };
  readonly background: (work: Promise<unknown>) => void;
  /** Whether it is only guessed who asks, and who that is. */
  readonly unproven: boolean;
  readonly principal: Principal;
  prove(): Promise<void>;
  /** The guess was right. */
  verified(standing: Standing): void;
  /** The principal inside an account, once it is known who asks. */
  in(accountId: string): Promise<Access>;
  /** Forgets what was read before a write. */
  forget(): void;
}

interface Kind {
  /** It is to open the session that the principal names: there is none to hold yet. */
  opening?: boolean;
  /** The principal is a guess: the one who had this token when it was last looked up. */
  tokenHash?: Buffer;
}

type Work<T> = (tx: Transaction) => Promise<T>;

/** What a transaction begins with. */
interface Beginning {
  /** Whether what is the principal's own depends on their accounts: they are taken first. */
  accounts?: boolean;
  /** The row that it is about, which is locked by the flight that holds the account. */
  row?: { entity: Class<Lockable>; id: string };
}

/** Work, with what came of locking the row it is about, if that is done already. */
type Begun<T> = (tx: Transaction, found?: object[]) => Promise<T>;

/** What may be done in an account by a caller who is only remembered. */
export type Changing = Pick<Access, "transaction" | "transactionOn">;

/** A connection that sends a statement along with the first that it is asked for. */
class Ahead implements Queryable {
  /** What came of it. */
  found: object[] | undefined;

  constructor(
    private readonly connection: TransactionConnection,
    private readonly statement: Sql,
  ) {}

  async query<R extends object>(statement: Statement): Promise<R[]> {
    if (this.found) return this.connection.query<R>(statement);
    const [rows, found] = await this.connection.together([statement, this.statement]);
    this.found = found;
    return rows as R[];
  }
}

/** What a principal may do in one account, or with what is their own. */
export class Access {
  private built: Ability | undefined;
  private entering: Promise<void> | undefined;

  constructor(
    private readonly ctx: Surroundings,
    readonly principal: Principal,
    /** Null for what is the principal's own and belongs to no account. */
    readonly standing: Standing | null,
    private readonly kind: Kind = {},
  ) {}

  get ability(): Ability {
    return (this.built ??= this.standing ? abilityIn(this.standing) : abilityOver(this.principal));
  }

  /** @throws Forbidden with the gate's code. */
  async enter(): Promise<void> {
    const { ctx, principal, standing } = this;
    const { refusal, warnings } = this.verdict(standing);
    if (refusal) {
      ctx.background(this.note(refusal, standing));
      throw refusal;
    }
    warn(ctx.request, warnings);
    const { entries } = ctx.services;
    if (!standing || entries.has(principal, standing.accountId)) return;
    await (this.entering ??= entries.record(ctx.db, principal, ctx.request, standing));
  }

  /** What the gate has against the principal. */
  refusal(): Forbidden | null {
    return this.verdict(this.standing).refusal;
  }

  /** What the gate says to the principal with this standing; what is their own has none. */
  private verdict(standing: Standing | null): Verdict {
    const { principal, ctx } = this;
    return standing
      ? gate({ standing, principal, request: ctx.request })
      : { refusal: null, warnings: [] };
  }

  can(action: Action, row: Subject): boolean {
    return this.ability.can(action, row);
  }

  /** The rows the principal may read, as a condition on the alias `row`. */
  readable<E extends object>(entity: Class<E>): Sql {
    const { standing } = this;
    const column = this.ctx.db.table(entity).at("row");
    const inAccount = standing && (entity as unknown) !== Account;
    const rules = allowed(
      this.ability,
      "read",
      entity as unknown as SubjectClass,
      column,
      // The planner would take what is asked twice for twice as rare.
      inAccount
        ? (value) => (value === standing.accountId ? column("accountId").name : value)
        : undefined,
    );
    // The rules say so too; said first and alone, it leads every index.
    return inAccount ? all([sql`row.account_id = ${standing.accountId}`, rules]) : rules;
  }

  /**
   * Runs an operation's writes together: all of them and their events, or none.
   *
   * It first takes the rows that let the principal do anything, and looks at them as they are then:
   * a member who lost a role, or a session that was ended, while the operation waited has lost it.
   */
  transaction<T>(work: Work<T>, { accounts = false } = {}): Promise<T> {
    return this.begin(work, { accounts });
  }

  /**
   * The same about one row, which it locks: as `Transaction.lock` does, and a wait for the database less.
   *
   * @throws NotFound when the row is absent or invisible.
   */
  transactionOn<E extends Lockable, T>(
    entity: Class<E>,
    id: string,
    work: (tx: Transaction, row: E) => Promise<T>,
  ): Promise<T> {
    const row = { entity: entity as Class<Lockable>, id };
    return this.begin(
      async (tx, found) =>
        work(tx, found ? tx.lockedAs(entity, id, found) : await tx.lock(entity, id)),
      { row },
    );
  }

  private async begin<T>(work: Begun<T>, beginning: Beginning): Promise<T> {
    const { ctx, principal, standing } = this;
    if (!ctx.unproven) return this.run(work, beginning);
    if (standing && this.kind.tokenHash) {
      try {
        return await this.run(work, beginning);
      } catch (error) {
        if (!(error instanceof OutOfDate)) throw error;
      }
      return (await ctx.in(standing.accountId)).begin(work, beginning);
    }
    const isCaller = principal === ctx.principal;
    await ctx.prove();
    const proven = isCaller ? ctx.principal : principal;
    return new Access(ctx, proven, standing, this.kind).run(work, beginning);
  }

  private async run<T>(work: Begun<T>, { accounts, row }: Beginning): Promise<T> {
    const { db, request } = this.ctx;
    let { standing } = this;
    try {
      const [result, tx] = await db.transaction(async (connection) => {
        if (accounts) await holdAccountsOf(connection, this.principal);
        const ahead = row && new Ahead(connection, locking(db.table(row.entity), row.id, this));
        standing = await this.hold(ahead ?? connection);
        const ability = standing ? abilityIn(standing) : this.ability;
        const tx = new Transaction(db, connection, this.principal, request, standing, ability);
        // It was locked as the principal saw it by the standing they had before.
        const isSame = isDeepStrictEqual(standing, this.standing);
        const result = await work(tx, isSame ? ahead?.found : undefined);
        await tx.finish();
        return [result, tx] as const;
      });
      await tx.announce();
      return result;
    } catch (error) {
      await this.note(error, standing);
      throw error;
    } finally {
      this.ctx.forget();
    }
  }

  /**
   * In an account, takes the account's row, so that operations there happen one after another, and
   * gives the principal's standing. Elsewhere takes the session, if they have one.
   */
  private async hold(connection: Queryable): Promise<Standing | null> {
    const { principal, standing: before } = this;
    if (before?.machine) {
      await holdAccount(connection, before.accountId);
      if (principal.sessionId) await holdSession(connection, principal);
      return before;
    }
    if (before) {
      const { tokenHash } = this.kind;
      const standing = await holdStanding(connection, principal, before.accountId, tokenHash);
      const { refusal, warnings } = this.verdict(standing);
      if (refusal) throw tokenHash ? new OutOfDate() : refusal;
      if (tokenHash) {
        this.ctx.verified(standing);
        warn(this.ctx.request, warnings);
      }
      return standing;
    }
    if (principal.sessionId && !this.kind.opening) await holdSession(connection, principal);
    return null;
  }

  /** A denial is an event too (E1). */
  private async note(error: unknown, standing: Standing | null): Promise<void> {
    const { principal } = this;
    if (!(error instanceof Forbidden) || principal.kind === PrincipalKind.SYSTEM) return;
    const denial = denialOf(principal, standing, error);
    await recordRefusal(this.ctx.db, principal, this.ctx.request, denial);
  }
}
