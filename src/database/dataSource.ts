import { Pool, type PoolClient, type PoolConfig, types } from "pg";
import { DataSource, DefaultNamingStrategy, type Table } from "typeorm";
import { CreateUsers1764000000000 } from "../../migrations/1764000000000-create-users";
import { CreateAccounts1764000000001 } from "../../migrations/1764000000001-create-accounts";
import { CreateCredentials1764000000002 } from "../../migrations/1764000000002-create-credentials";
import { CreateInvitations1764000000003 } from "../../migrations/1764000000003-create-invitations";
import { CreateEvents1764000000004 } from "../../migrations/1764000000004-create-events";
import { BoundMoments1764000000005 } from "../../migrations/1764000000005-bound-moments";
import { CreateThrottles1764000000006 } from "../../migrations/1764000000006-create-throttles";
import { CreateOneTimeTokens1764000000007 } from "../../migrations/1764000000007-create-one-time-tokens";
import { CreateAuthenticators1764000000008 } from "../../migrations/1764000000008-create-authenticators";
import { CreateIdentities1764000000009 } from "../../migrations/1764000000009-create-identities";
import { NoteUncheckedPasswords1764000000010 } from "../../migrations/1764000000010-note-unchecked-passwords";
import { RequireMfa1764000000011 } from "../../migrations/1764000000011-require-mfa";
import { CreateEntries1764000000012 } from "../../migrations/1764000000012-create-entries";
import { AddLanguages1764000000013 } from "../../migrations/1764000000013-add-languages";
import { IndexFilters1764200000006 } from "../../migrations/1764200000006-index-filters";
import { LetRowsBeSwept1764200000013 } from "../../migrations/1764200000013-let-rows-be-swept";
import { SearchMembers1764200000014 } from "../../migrations/1764200000014-search-members";
import { KeepWherePeopleSignIn1764200000019 } from "../../migrations/1764200000019-keep-where-people-sign-in";
import { OrderMailRequests1764200000003 } from "../../migrations/1764200000003-order-mail-requests";
import { SpaceMails1764200000020 } from "../../migrations/1764200000020-space-mails";
import { TellRefusalsOnce1764200000021 } from "../../migrations/1764200000021-tell-refusals-once";
import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { Credential } from "../entities/Credential";
import { Event, UserEvent } from "../entities/Event";
import { Identity } from "../entities/Identity";
import { Invitation } from "../entities/Invitation";
import { IPRestriction } from "../entities/IPRestriction";
import { IPRule } from "../entities/IPRule";
import { Membership } from "../entities/Membership";
import { ServiceUser } from "../entities/ServiceUser";
import { Session } from "../entities/Session";
import { User } from "../entities/User";

export const entities = [
  Account,
  User,
  Session,
  Authenticator,
  Identity,
  Membership,
  ServiceUser,
  Credential,
  Invitation,
  IPRestriction,
  IPRule,
  Event,
  UserEvent,
];

const migrations = [
  CreateUsers1764000000000,
  CreateAccounts1764000000001,
  CreateCredentials1764000000002,
  CreateInvitations1764000000003,
  CreateEvents1764000000004,
  BoundMoments1764000000005,
  CreateThrottles1764000000006,
  CreateOneTimeTokens1764000000007,
  CreateAuthenticators1764000000008,
  CreateIdentities1764000000009,
  NoteUncheckedPasswords1764000000010,
  RequireMfa1764000000011,
  CreateEntries1764000000012,
  AddLanguages1764000000013,
  OrderMailRequests1764200000003,
  IndexFilters1764200000006,
  LetRowsBeSwept1764200000013,
  SearchMembers1764200000014,
  KeepWherePeopleSignIn1764200000019,
  SpaceMails1764200000020,
  TellRefusalsOnce1764200000021,
];

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const joined = (table: Table | string, columns: string[], suffix: string) =>
  [(typeof table === "string" ? table : table.name).split(".").at(-1), ...columns, suffix].join(
    "_",
  );

/**
 * Names columns and constraints as PostgreSQL itself would. A hand-written migration then agrees
 * with the entities, and an error says `memberships_user_id_fkey` rather than a hash.
 */
class PostgresNames extends DefaultNamingStrategy {
  override columnName = (property: string, custom?: string) => custom ?? snake(property);
  override primaryKeyName = (table: Table | string) => joined(table, [], "pkey");
  override foreignKeyName = (table: Table | string, columns: string[]) =>
    joined(table, columns, "fkey");
  override uniqueConstraintName = (table: Table | string, columns: string[]) =>
    joined(table, columns, "key");
  override indexName = (table: Table | string, columns: string[]) => joined(table, columns, "idx");
}

/** The role that serves requests: it has no DDL rights and cannot alter an event. */
export const SERVING_ROLE = "gatehouse_app";

const { TIMESTAMPTZ } = types.builtins;
const anyMoment = types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date;
/** What a session in UTC sends is ISO 8601 but for the separator, which V8 reads twice as fast. */
types.setTypeParser(TIMESTAMPTZ, (text) =>
  /^\d{4}-.*\+00$/.test(text)
    ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
    : anyMoment(text),
);

interface Options {
  url: string;
  /** As whom: `serve` takes the role without DDL rights, `migrate` stays who the URL says. */
  as: "serve" | "migrate";
  poolSize?: number;
}

/**
 * How long a connection is kept in use. What it has prepared stays in its memory until it ends, and
 * names last as long (statementNames.ts), so it never holds more than two lots of them. Connecting and
 * preparing anew takes some milliseconds.
 */
export const CONNECTION_LASTS_MS = 30 * 60_000;

/** How PostgreSQL plans our statements; docs/performance.md gives the reasons. */
export const PLANNING = [
  "jit=off",
  "plan_cache_mode=force_generic_plan",
  "enable_bitmapscan=off",
  "enable_indexonlyscan=off",
];

/** How the server runs our statements. */
const SERVER_OPTIONS = [
  ...PLANNING,
  "timezone=UTC",
  "statement_timeout=10000",
  "lock_timeout=8000",
  "idle_in_transaction_session_timeout=20000",
  `role=${SERVING_ROLE}`,
];

export function openDataSource({ url, as, poolSize = 10 }: Options): DataSource {
  return new DataSource({
    type: "postgres",
    url,
    entities,
    migrations,
    namingStrategy: new PostgresNames(),
    migrationsTransactionMode: "each",
    applicationName: "gatehouse",
    poolSize,
    connectTimeoutMS: 5_000,
    // A client that dies in the pool (the database went away) is replaced by the next request.
    poolErrorHandler: () => undefined,
    extra:
      as === "serve"
        ? {
            // For a network that swallows packets: the server's own timeout can't be heard then.
            query_timeout: 12_000,
            maxLifetimeSeconds: CONNECTION_LASTS_MS / 1000,
            options: SERVER_OPTIONS.map((option) => `-c ${option}`).join(" "),
          }
        : {},
  });
}

/**
 * A pool whose end waits until every connection is closed. Otherwise a database that is stopped right
 * after it would still end some of them, which the job worker logs as errors.
 */
class ClosingPool extends Pool {
  private readonly open = new Set<PoolClient>();

  constructor(config: PoolConfig) {
    super(config);
    this.on("connect", (client) => this.open.add(client));
    this.on("remove", (client) => this.open.delete(client));
  }

  override async end(): Promise<void> {
    await super.end();
    while (this.open.size) await new Promise((done) => this.once("remove", done));
  }
}

/** Connections for the job worker, which listens on one of them: as the role that serves. */
export function jobPool(url: string): Pool {
  const pool = new ClosingPool({
    connectionString: url,
    max: 4,
    options: `-c role=${SERVING_ROLE} -c timezone=UTC`,
  });
  pool.on("error", () => undefined); // replaced by the next that is asked for
  return pool;
}
