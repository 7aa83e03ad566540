import DataLoader from "dataloader";
import { Access } from "./access";
import { type Caller, noteUse } from "./authenticate";
import { type Browser, NO_BROWSER } from "./browser";
import type { Database } from "../database/database";
import { sql } from "../database/sql";
import type { Class } from "../database/table";
import { User } from "../entities/User";
import { type Forbidden, NotFound, Unauthenticated } from "../errors";
import { Loaders } from "./loaders";
import type { Subject } from "../policies/ability";
import {
  type Machine,
  machineStanding,
  type Principal,
  type Request,
  type Standing,
  system,
} from "../principal";
import { type RememberedCaller, rememberCaller } from "./rememberedCaller";
import type { Services } from "./services";
import { standingsIn } from "./standing";

interface Asking {
  db: Database;
  services: Services;
  request: Request;
  /** Null when nobody signed in. */
  caller: Principal | null;
  /** The standing that came with an API key, read by the same statement. */
  standing?: Standing | null;
  /** The user behind it, read by the same statement too. */
  user?: User | null;
  /** The token they came with, by which reads know them again. */
  tokenHash?: Buffer;
  lastUsedAt?: Date | null;
  /** Who it was the last time this token came, and how to find out who it is now. */
  guess?: RememberedCaller | null;
  prove?: () => Promise<Caller | null>;
  background?: Context["background"];
  browser?: Browser;
  report?: Context["report"];
}

/** One request: who asks, and the database as they may see it. */
export class Context {
  loaders: Loaders;
  private accesses: DataLoader<string, Access | null>;
  private own: Access | undefined;
  /** What came with the request itself: a DataLoader would wait for a batch. */
  private readonly known = new Map<string, Access>();

  readonly db: Database;
  readonly services: Services;
  readonly request: Request;
  /** Work that may outlive the response; the server waits for it before it stops. */
  readonly background: (work: Promise<unknown>) => void;
  /** What the browser on the other end sent, and keeps. */
  readonly browser: Browser;
  /** Tells the operator of a bug, with the cause that the caller is not told. */
  readonly report: (error: unknown) => void;
  /** Whether the caller proved who they are in this request, whose answer has their session's token. */
  provenHere = false;
  /** Who the session in the browser's cookie is of: the one that it sent, or was given since. */
  private inCookie: Principal | null = null;
  private caller: Principal | null = null;
  private standing: Standing | null = null;
  private tokenHash: Buffer | undefined;
  private lastUsedAt: Date | null = null;
  private guess: RememberedCaller | null;
  private prover: (() => Promise<Caller | null>) | null;
  private proving: Promise<Caller | null> | undefined;

  constructor({ db, services, request, guess, prove, ...asking }: Asking) {
    this.db = db;
    this.services = services;
    this.request = request;
    this.guess = guess ?? null;
    this.prover = (guess && prove) ?? null;
    const { background, browser, report } = asking;
    this.background = background ?? ((work) => void work);
    this.report = report ?? (() => undefined);
    this.browser = browser ?? NO_BROWSER;
    this.loaders = new Loaders(this.db);
    this.accesses = this.newAccesses();
    this.enter(asking);
  }

  private enter({
    caller,
    standing,
    user,
    tokenHash,
    lastUsedAt,
  }: Omit<Asking, "db" | "services" | "request">) {
    this.caller = caller;
    this.standing = standing ?? null;
    this.tokenHash = tokenHash;
    this.lastUsedAt = lastUsedAt ?? null;
    this.inCookie = caller?.sessionId && this.browser.sentSession ? caller : null;
    if (user) this.loaders.remember(User, user);
    if (caller && standing) {
      this.known.set(standing.accountId, new Access(this, caller, standing));
    }
  }

  /** Whether it is only guessed who asks. */
  get unproven(): boolean {
    return this.prover !== null;
  }

  /**
   * Finds out who asks, where that was only guessed.
   *
   * @throws Unauthenticated, Forbidden as `authenticate` does.
   */
  async prove(): Promise<void> {
    const { prover } = this;
    if (!prover) return;
    this.guess = null;
    // Once: whoever is refused is refused, however often it is asked.
    this.proving ??= prover();
    const proven = await this.proving;
    this.prover = null;
    this.forget(); // Apollo works on a copy, and what was made with the original asks that one
    this.enter({ ...proven, caller: proven?.principal ?? null });
  }

  /** A statement has verified the guess: their token was used. */
  used(caller: RememberedCaller): void {
    if (!this.guess) return;
    const noted = noteUse(this.db, caller.principal, caller.lastUsedAt, this.request);
    if (!noted) return;
    caller.lastUsedAt = new Date();
    this.background(noted);
  }

  /** The caller as a statement that verifies them knows them; null for nobody. */
  async verifiable(): Promise<RememberedCaller | null> {
    if (this.guess) return this.guess;
    const { caller, standing, tokenHash, lastUsedAt } = this;
    if (!caller || !tokenHash) return null;
    return rememberCaller(this.db, { caller, standing, tokenHash, lastUsedAt });
  }

  /** From here on it is this principal who asks: somebody has just signed in. */
  become(principal: Principal): void {
    this.provenHere ||= principal.authenticatedAt !== this.caller?.authenticatedAt;
    if (this.inCookie?.sessionId === principal.sessionId) this.inCookie = principal;
    this.caller = principal;
    this.forget();
  }

  /** The session that asks, if one does. */
  get sessionId(): string | null {
    return this.caller?.sessionId ?? null;
  }

  /** The browser's cookie takes the session that asks now. Gives who it was of before. */
  fillCookie(): Principal | null {
    const before = this.inCookie;
    this.inCookie = this.principal;
    return before;
  }

  /** @throws Unauthenticated when nobody signed in. */
  get principal(): Principal {
    if (this.prover) throw new Error("It is only guessed who asks");
    if (!this.caller) {
      throw new Unauthenticated("Sign in, or send an API key: `Authorization: Bearer …`.");
    }
    return this.caller;
  }

  /**
   * The principal inside one account, with the roles they hold there now. That a session is there
   * for the first time is on record before this answers (E5).
   *
   * @throws NotFound when they are not in it, exists it or not.
   * @throws Forbidden with the gate's code when they are, and may not enter.
   */
  async in(accountId: string): Promise<Access> {
    const access = this.known.get(accountId) ?? (await this.accesses.load(accountId));
    if (!access) throw new NotFound(accountId);
    await access.enter();
    return access;
  }

  /** What keeps the principal out of an account, without it counting as a try to get in. */
  async refusalFrom(accountId: string): Promise<NotFound | Forbidden | null> {
    const access = await this.accesses.load(accountId);
    return access ? access.refusal() : new NotFound(accountId);
  }

  /** The principal with what is their own and belongs to no account. */
  get self(): Access {
    return (this.own ??= new Access(this, this.principal, null));
  }

  /** A user who proved who they are for this one thing alone, or a machine of ours. */
  as(principal: Principal): Access {
    return new Access(this, principal, null);
  }

  /**
   * A machine of ours in an account, by rules of its own. Events name the caller, where there is one,
   * as who set it to work.
   */
  asMachine(name: Machine, accountId: string): Access {
    const principal = this.caller ?? system(name);
    return new Access(this, principal, machineStanding(name, accountId, principal.id));
  }

  /** A user who proved who they are, with the session that is about to be opened for them. */
  opening(principal: Principal): Access {
    return new Access(this, principal, null, true);
  }

  /**
   * The principal inside the account that this row belongs to.
   *
   * @throws NotFound alike for a row that is absent and for one of another's account.
   */
  async accessTo(entity: Class<Subject>, id: string): Promise<Access> {
    const { accountId } = this.principal;
    if (accountId) return this.in(accountId);
    const [row] = await this.db.query<{ accountId: string }>(sql`
      select row.account_id as "accountId" from ${this.db.table(entity).name} row
      where row.account_id = any(${await this.accountIds()}) and row.id = ${id}`);
    if (!row) throw new NotFound(id);
    return this.in(row.accountId);
  }

  /** The accounts the principal is a member of, whether or not the gate lets them in. */
  async accountIds(): Promise<string[]> {
    const { id, accountId } = this.principal;
    if (accountId) return [accountId];
    const rows = await this.db.query<{ accountId: string }>(
      sql`select account_id as "accountId" from memberships
        where user_id = ${id} and removed_at is null order by id`,
    );
    return rows.map((row) => row.accountId);
  }

  /** After a write: what was read before it may no longer be so. */
  forget(): void {
    this.loaders = new Loaders(this.db);
    this.accesses = this.newAccesses();
    this.own = undefined;
    this.known.clear();
  }

  private newAccesses(): DataLoader<string, Access | null> {
    return new DataLoader(async (accountIds) => {
      const standings = await standingsIn(this.db, this.principal, this.reachable(accountIds));
      return accountIds.map((id) => {
        const standing = standings.get(id);
        return standing ? new Access(this, this.principal, standing) : null;
      });
    });
  }

  /** An API key reaches its own account and no other, whatever else its owner is in (C7). */
  private reachable(accountIds: readonly string[]): readonly string[] {
    const { accountId } = this.principal;
    return accountId ? accountIds.filter((id) => id === accountId) : accountIds;
  }
}
