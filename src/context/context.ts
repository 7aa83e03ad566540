import DataLoader from "dataloader";
import { Access, type Changing } from "./access";
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
  /** Null for a request without a session or key. */
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

/** What changes in the course of a request. */
interface State {
  caller: Principal | null;
  /** Whether the caller proved who they are in this request, whose answer has their session's token. */
  provenHere: boolean;
  /** Who the session in the browser's cookie is of: the one that it sent, or was given since. */
  inCookie: Principal | null;
  standing: Standing | null;
  tokenHash: Buffer | undefined;
  lastUsedAt: Date | null;
  guess: RememberedCaller | null;
  prover: (() => Promise<Caller | null>) | null;
  proving: Promise<Caller | null> | undefined;
  /** Whether the guess may be acted upon, by what verifies it. */
  assumed: boolean;
  loaders: Loaders;
  accesses: DataLoader<string, Access | null>;
  own: Access | undefined;
  /** What came with the request itself: a DataLoader would wait for a batch. */
  known: Map<string, Access>;
}

/** One request: who asks, and the database as they may see it. */
export class Context {
  readonly db: Database;
  readonly services: Services;
  readonly request: Request;
  /** Work that may outlive the response; the server waits for it before it stops. */
  readonly background: (work: Promise<unknown>) => void;
  /** What the browser on the other end sent, and keeps. */
  readonly browser: Browser;
  /** Reports a bug to the operator, with the cause that the answer leaves out. */
  readonly report: (error: unknown) => void;
  /** Apart, since Apollo copies the context: the copy and what was made with the original share it. */
  private readonly state: State;

  constructor({ db, services, request, guess, prove, ...asking }: Asking) {
    this.db = db;
    this.services = services;
    this.request = request;
    const { background, browser, report } = asking;
    this.background = background ?? ((work) => void work);
    this.report = report ?? (() => undefined);
    this.browser = browser ?? NO_BROWSER;
    this.state = {
      ...{ provenHere: false, inCookie: null },
      ...{ caller: null, standing: null, tokenHash: undefined, lastUsedAt: null },
      guess: guess ?? null,
      prover: (guess && prove) ?? null,
      ...{ proving: undefined, assumed: false, own: undefined, known: new Map<string, Access>() },
      loaders: new Loaders(db),
      accesses: this.newAccesses(),
    };
    this.enter(asking);
  }

  private enter({
    caller,
    standing,
    user,
    tokenHash,
    lastUsedAt,
  }: Omit<Asking, "db" | "services" | "request">) {
    const { state } = this;
    state.caller = caller;
    state.standing = standing ?? null;
    state.tokenHash = tokenHash;
    state.lastUsedAt = lastUsedAt ?? null;
    state.inCookie = caller?.sessionId && this.browser.sentSession ? caller : null;
    if (user) state.loaders.remember(User, user);
    if (caller && standing) {
      state.known.set(standing.accountId, new Access(this, caller, standing));
    }
  }

  get loaders(): Loaders {
    return this.state.loaders;
  }

  /** Whether the caller proved who they are in this request. */
  get provenHere(): boolean {
    return this.state.provenHere;
  }

  /** Whether it is only guessed who asks. */
  get unproven(): boolean {
    return this.state.prover !== null;
  }

  /**
   * Lets a guess be acted upon, by transactions that verify it and by nothing else. Only that of an
   * API key, which is in one account: what a session does is not all done in transactions.
   */
  assume(): boolean {
    const { state } = this;
    state.assumed = state.guess?.principal.credentialId != null;
    return state.assumed;
  }

  /**
   * Finds out who asks, where that was only guessed.
   *
   * @throws Unauthenticated, Forbidden as `authenticate` does.
   */
  async prove(): Promise<void> {
    const { state } = this;
    const { prover } = state;
    if (!prover) return;
    state.guess = null;
    // Once: a caller who is refused is refused, however often it is asked.
    state.proving ??= prover();
    const proven = await state.proving;
    state.prover = null;
    this.forget();
    this.enter({ ...proven, caller: proven?.principal ?? null });
  }

  /** A transaction holds the row of the key that the guess is about, and all else of it is as guessed. */
  verified(standing: Standing): void {
    const { state } = this;
    const { guess } = state;
    if (!guess) return;
    this.used(guess);
    const { principal: caller, tokenHash, lastUsedAt } = guess;
    state.guess = state.prover = null;
    this.enter({ caller, standing, tokenHash, lastUsedAt });
  }

  /** A statement has verified the guess: their token was used. */
  used(caller: RememberedCaller): void {
    if (!this.state.guess) return;
    const noted = noteUse(this.db, caller.principal, caller.lastUsedAt, this.request);
    if (!noted) return;
    caller.lastUsedAt = new Date();
    this.background(noted);
  }

  /** The caller as a statement can verify them; null for a request without a caller. */
  async verifiable(): Promise<RememberedCaller | null> {
    const { guess, caller, standing, tokenHash, lastUsedAt } = this.state;
    if (guess) return guess;
    if (!caller || !tokenHash) return null;
    return rememberCaller(this.db, { caller, standing, tokenHash, lastUsedAt });
  }

  /** From here on the caller is this principal, who has just signed in. */
  become(principal: Principal): void {
    const { state } = this;
    state.provenHere ||= principal.authenticatedAt !== state.caller?.authenticatedAt;
    if (state.inCookie?.sessionId === principal.sessionId) state.inCookie = principal;
    state.caller = principal;
    this.forget();
  }

  /** The session that asks, if one does. */
  get sessionId(): string | null {
    return this.state.caller?.sessionId ?? null;
  }

  /** The browser's cookie takes the session that asks now. Gives who it was of before. */
  fillCookie(): Principal | null {
    const { state } = this;
    const before = state.inCookie;
    state.inCookie = this.principal;
    return before;
  }

  /** @throws Unauthenticated for a request without a caller. */
  get principal(): Principal {
    const { caller, prover, assumed, guess } = this.state;
    if (prover && assumed && guess) return guess.principal;
    if (prover) throw new Error("It is only guessed who asks");
    if (!caller) {
      throw new Unauthenticated("Sign in, or send an API key: `Authorization: Bearer …`.");
    }
    return caller;
  }

  /**
   * The principal inside one account, with the roles they hold there now. That a session is there
   * for the first time is on record before this answers (E5).
   *
   * @throws NotFound when they are not in it, exists it or not.
   * @throws Forbidden with the gate's code when they are, and may not enter.
   */
  async in(accountId: string): Promise<Access> {
    await this.prove();
    const { known, accesses } = this.state;
    const access = known.get(accountId) ?? (await accesses.load(accountId));
    if (!access) throw new NotFound(accountId);
    await access.enter();
    return access;
  }

  /**
   * The same to change something there. Where it is only guessed who asks, the transaction finds out.
   *
   * @throws NotFound, Forbidden as `in` does.
   */
  async changing(accountId: string): Promise<Changing> {
    const { guess, assumed } = this.state;
    const standing = assumed && guess?.standings.find((one) => one.accountId === accountId);
    if (guess && standing) {
      const access = new Access(this, guess.principal, standing, { tokenHash: guess.tokenHash });
      // A refusal is an event, and not of a guess.
      if (!access.refusal()) return access;
    }
    return this.in(accountId);
  }

  /** What keeps the principal out of an account, without it counting as a try to get in. */
  async refusalFrom(accountId: string): Promise<NotFound | Forbidden | null> {
    const access = await this.state.accesses.load(accountId);
    return access ? access.refusal() : new NotFound(accountId);
  }

  /** The principal with what is their own and belongs to no account. */
  get self(): Access {
    return (this.state.own ??= new Access(this, this.principal, null));
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
    const { caller, assumed, guess } = this.state;
    const principal = caller ?? (assumed ? guess?.principal : null) ?? system(name);
    return new Access(this, principal, machineStanding(name, accountId, principal.id));
  }

  /** A user who proved who they are, with the session that is about to be opened for them. */
  opening(principal: Principal): Access {
    return new Access(this, principal, null, { opening: true });
  }

  /**
   * The principal inside the account that this row belongs to.
   *
   * @throws NotFound alike for a row that is absent and for one of another's account.
   */
  async accessTo(entity: Class<Subject>, id: string): Promise<Access> {
    return this.in(await this.accountOf(entity, id));
  }

  /** The same to change something there, as `changing` has it. */
  async changingOf(entity: Class<Subject>, id: string): Promise<Changing> {
    return this.changing(await this.accountOf(entity, id));
  }

  /** The account of a row; for an API key its own, whose rules find out whether the row is there. */
  private async accountOf(entity: Class<Subject>, id: string): Promise<string> {
    const { accountId } = this.principal;
    if (accountId) return accountId;
    const [row] = await this.db.query<{ accountId: string }>(sql`
      select row.account_id as "accountId" from ${this.db.table(entity).name} row
      where row.account_id = any(${await this.accountIds()}) and row.id = ${id}`);
    if (!row) throw new NotFound(id);
    return row.accountId;
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
    const { state } = this;
    state.loaders = new Loaders(this.db);
    state.accesses = this.newAccesses();
    state.own = undefined;
    state.known.clear();
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
