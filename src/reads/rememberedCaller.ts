import type { Queryable } from "../database/database";
import { raw, type Sql, sql } from "../database/sql";
import { PrincipalKind } from "../entities/Event";
import { IDLE_MS } from "../identity/sessions";
import { abilityIn, abilityOver } from "../policies/abilities";
import type { Ability } from "../policies/ability";
import { gate } from "../policies/gate";
import type { Principal, Standing } from "../principal";
import { MFA_MISSING, place, standing as placed, type StandingRow } from "../context/standing";
import { Own, source } from "./plan";

/** Beyond this a caller's reads are left to resolvers. */
const MAX_ACCOUNTS = 100;

/** Stand in rules for the caller's own ids, so that callers with the same roles share plans. */
export const OWN = {
  accountId: "the account",
  principalId: "the caller",
  membershipId: "the caller's membership",
  serviceUserId: "the caller as service user",
  /** The one account of an API key, asked of rows that were not reached through it. */
  keyAccountId: "the key's account",
} as const;

/** Accounts in which the caller stands alike, but for ids. */
export interface Group {
  ability: Ability;
  standing: Standing;
  accountIds: string[];
}

/** Whether that a session entered an account is on record. */
interface Entries {
  has(principal: Principal, accountId: string): boolean;
}

/**
 * A caller as they were when last authenticated: a guess, which the statement that uses it
 * verifies. It holds everything that rules and the gate looked at.
 */
export class RememberedCaller {
  readonly groups: Group[];
  readonly self: Ability;
  /** What plans for this caller depend on besides the document. */
  readonly shape: string;
  /** Accounts whose gate lets the caller in. */
  readonly open: string[];
  /** Accounts whose gate doesn't, and what it says. */
  readonly refusals: Record<string, { code: string; message: string }> = {};
  readonly membershipIds: string[];

  constructor(
    readonly principal: Principal,
    readonly standings: readonly Standing[],
    readonly tokenHash: Buffer,
    /** Of a session: everything its user's memberships say, in one text. */
    readonly fingerprint: string | null,
    /** When the token's use was last noted. */
    public lastUsedAt: Date | null,
    private readonly entries: Entries,
  ) {
    const groups = new Map<string, Group>();
    for (const one of standings) {
      const refusal = gate(one);
      if (refusal) {
        this.refusals[one.accountId] = { code: refusal.code, message: refusal.message };
        continue;
      }
      const alike: Standing = {
        ...one,
        accountId: OWN.accountId,
        principalId: OWN.principalId,
        membershipId: one.membershipId && OWN.membershipId,
        serviceUserId: one.serviceUserId && OWN.serviceUserId,
      };
      const key = JSON.stringify(alike);
      let group = groups.get(key);
      if (!group) {
        group = { ability: abilityIn(alike), standing: alike, accountIds: [] };
        groups.set(key, group);
      }
      group.accountIds.push(one.accountId);
    }
    const shapes = [...groups.keys()].sort();
    this.groups = shapes.map((key) => groups.get(key)!);
    this.open = this.groups.flatMap(({ accountIds }) => accountIds);
    this.membershipIds = standings.flatMap(({ membershipId }) => membershipId ?? []);
    const { kind, surface, emailVerified, accountId } = principal;
    this.self = abilityOver({
      ...principal,
      id: OWN.principalId,
      accountId: accountId && OWN.keyAccountId,
    });
    this.shape = JSON.stringify([kind, surface, emailVerified, accountId !== null, shapes]);
  }

  /** Accounts open to the caller that their session may not have entered yet (E5). */
  get notEntered(): string[] {
    return this.open.filter((accountId) => !this.entries.has(this.principal, accountId));
  }
}

const MEMBERSHIPS = (userId: Sql) => sql`(
  select coalesce(string_agg(concat_ws(' ', m.account_id, m.id, m.administrator, m.developer,
    m.team, m.billing, m.disabled_at is null, ${MFA_MISSING}), ',' order by m.id), '')
  from memberships m join accounts a on a.id = m.account_id and a.deleted_at is null
  where m.user_id = ${userId} and m.removed_at is null)`;

interface Authenticated {
  caller: Principal;
  standing: Standing | null;
  tokenHash: Buffer;
  lastUsedAt: Date | null;
}

/**
 * What a statement needs to know about whoever was just authenticated; null for whoever is in
 * too many accounts.
 */
export async function rememberCaller(
  db: Queryable,
  entries: Entries,
  { caller, standing, tokenHash, lastUsedAt }: Authenticated,
): Promise<RememberedCaller | null> {
  const known = (standings: Standing[], fingerprint: string | null) =>
    new RememberedCaller(caller, standings, tokenHash, fingerprint, lastUsedAt, entries);
  if (standing) return known([standing], null);
  const { columns, join } = place(caller);
  const rows = await db.query<StandingRow & { fingerprint: string }>(sql`
    select f.fingerprint, p.* from (select ${MEMBERSHIPS(sql`${caller.id}`)} as fingerprint) f
    left join (select ${columns} from accounts a join ${join} where a.deleted_at is null
      limit ${MAX_ACCOUNTS + 1}) p on true`);
  if (rows.length > MAX_ACCOUNTS) return null;
  const standings = rows.filter(({ accountId }) => accountId).map((row) => placed(caller.id, row));
  return known(standings, rows[0]!.fingerprint);
}

const role = (name: keyof Standing["roles"]) =>
  source(({ caller }) => caller.standings[0]!.roles[name]);

/** What a statement may ask of the caller. */
export const CALLER = {
  principalId: new Own("id"),
  accountId: new Own("accountId"),
  credentialId: new Own("credentialId"),
  sessionId: new Own("sessionId"),
  emailVerified: new Own("emailVerified"),
  tokenHash: source(({ caller }) => caller.tokenHash),
  fingerprint: source(({ caller }) => caller.fingerprint),
  idleSince: source(() => new Date(Date.now() - IDLE_MS)),
  /** Of an API key, which has one place: the membership's or service user's id, and its roles. */
  placeId: source(({ caller: { standings } }) => {
    const { membershipId, serviceUserId } = standings[0]!;
    return membershipId ?? serviceUserId;
  }),
  administrator: role("administrator"),
  developer: role("developer"),
  team: role("team"),
  billing: role("billing"),
  membershipIds: source(({ caller }) => caller.membershipIds),
  open: source(({ caller }) => caller.open),
  refusals: source(({ caller }) => JSON.stringify(caller.refusals)),
};

/**
 * One row where the caller is still as known, and none where anything that rules or the gate
 * look at has changed. The same conditions as in authenticate.ts and standing.ts; a test changes
 * each of them and asks again.
 */
export function guard({ principal }: RememberedCaller, accounts: boolean): Sql {
  if (principal.sessionId) {
    const places = sql` and ${MEMBERSHIPS(raw("ks.user_id"))} = ${CALLER.fingerprint}`;
    return sql`sessions ks join users ku on ku.id = ks.user_id
      where ks.token_hash = ${CALLER.tokenHash} and ks.ended_at is null and ks.expires_at > now()
        and ks.last_used_at > ${CALLER.idleSince} and ks.id = ${CALLER.sessionId} and ku.id = ${CALLER.principalId}
        and (ku.email_verified_at is not null) = ${CALLER.emailVerified}${accounts ? places : raw("")}`;
  }
  const key = sql`credentials k join accounts ka on ka.id = k.account_id and ka.deleted_at is null`;
  const same = sql`k.account_id = ${CALLER.accountId} and k.secret_hash = ${CALLER.tokenHash} and k.id = ${CALLER.credentialId}
        and k.kind = 'API_KEY' and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now()) and kp.id = ${CALLER.placeId}
        and kp.disabled_at is null and kp.developer = ${CALLER.developer}`;
  if (principal.kind === PrincipalKind.SERVICE_USER) {
    return sql`${key} join service_users kp on kp.account_id = k.account_id
        and kp.id = k.service_user_id and kp.deleted_at is null
      where ${same}`;
  }
  return sql`${key} join memberships kp on kp.account_id = k.account_id
        and kp.id = k.membership_id and kp.removed_at is null
      join users ku on ku.id = kp.user_id
    where ${same} and kp.user_id = ${CALLER.principalId} and kp.administrator = ${CALLER.administrator}
      and kp.team = ${CALLER.team} and kp.billing = ${CALLER.billing}
      and not (ka.mfa_required and ku.mfa_enabled_at is null)
      and (ku.email_verified_at is not null) = ${CALLER.emailVerified}`;
}
