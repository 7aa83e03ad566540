import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { PrincipalKind } from "../entities/Event";
import { type SignInMethod, Surface } from "../entities/Session";
import { User } from "../entities/User";
import { Unauthenticated } from "../errors";
import { IDLE_MS } from "../identity/sessions";
import { countTry } from "../identity/throttle";
import { parseToken, type Token } from "../identity/tokens";
import { gate } from "../policies/gate";
import type { Principal, Request, Standing } from "../principal";
import { denialOf, recordRefusal } from "./recording";
import { LOWEST_AS, standing, type StandingRow } from "./standing";

/** Last use is noted at most this often (C3): a read that writes every time would be a write. */
const USE_NOTED_EVERY_MS = 60_000;

export interface Caller {
  principal: Principal;
  /** The key's owner in its account; null for a session, which may reach several. */
  standing: Standing | null;
  /** The user who owns the key; null for a session, which rarely needs more than its own row. */
  user: User | null;
  /** SHA-256 of the token they came with. */
  tokenHash: Buffer;
  /** When its use was last noted. */
  lastUsedAt: Date | null;
}

/**
 * Whoever a token stands for, at this moment, by one prepared, indexed statement. Nothing is
 * remembered between requests: what was revoked a millisecond ago is refused.
 *
 * @throws Unauthenticated when nobody stands behind it (WRONG_CREDENTIAL_KIND for a token of
 * another kind).
 * @throws Forbidden (MEMBER_DISABLED) for a key whose owner is disabled.
 * @throws RateLimited for one more API key that nobody has, from a network that has tried many (U10).
 */
export async function authenticate(db: Database, text: string, request: Request): Promise<Caller> {
  const token = parseToken(text);
  if (!token) {
    throw new Unauthenticated(
      "This is no token of ours: it is mistyped, or part of it is missing.",
    );
  }
  if (token.kind === "AUTHTOKEN") {
    throw new Unauthenticated(
      "An authtoken starts agents. To call the API, use an API key.",
      "WRONG_CREDENTIAL_KIND",
    );
  }
  if (token.kind === "ONE_TIME") {
    throw new Unauthenticated(
      "This token works once, for one step. Follow its link, or send it to the mutation it is for.",
      "WRONG_CREDENTIAL_KIND",
    );
  }
  return token.kind === "SESSION" ? bySession(db, token) : byApiKey(db, token, request);
}

interface KeyRow extends StandingRow {
  credentialId: string;
  userId: string | null;
  email: string | null;
  emailVerifiedAt: Date | null;
  userCreatedAt: Date;
  name: string;
  lastUsedAt: Date | null;
}

async function byApiKey(db: Database, token: Token, request: Request): Promise<Caller> {
  const [row] = await db.query<KeyRow>(sql`
    select c.id as "credentialId", c.account_id as "accountId",
      c.last_used_at as "lastUsedAt", m.id as "membershipId", s.id as "serviceUserId",
      u.id as "userId", u.email, coalesce(u.name, s.name) as name,
      u.email_verified_at as "emailVerifiedAt", u.created_at as "userCreatedAt",
      coalesce(m.administrator, ${LOWEST_AS.administrator}) as administrator,
      coalesce(m.developer, s.developer) as developer,
      coalesce(m.team, ${LOWEST_AS.team}) as team,
      coalesce(m.billing, ${LOWEST_AS.billing}) as billing,
      coalesce(m.disabled_at, s.disabled_at) as "disabledAt",
      u.id is not null and a.mfa_required and u.mfa_enabled_at is null as "mfaMissing"
    from credentials c
      join accounts a on a.id = c.account_id and a.deleted_at is null
      left join memberships m on m.account_id = c.account_id and m.id = c.membership_id
        and m.removed_at is null
      left join users u on u.id = m.user_id
      left join service_users s on s.account_id = c.account_id and s.id = c.service_user_id
        and s.deleted_at is null
    where c.account_id = ${token.accountId} and c.secret_hash = ${token.hash}
      and c.kind = 'API_KEY' and c.revoked_at is null
      and (c.expires_at is null or c.expires_at > now())
      and num_nonnulls(m.id, s.id) = 1`);
  if (!row) {
    // Only now: a good key costs one statement, and waits for nothing that others try beside it.
    await countTry(db, { secret: "key", ip: request.ip });
    throw new Unauthenticated("This API key is unknown, expired or revoked.");
  }

  const id = row.userId ?? row.serviceUserId!;
  const principal: Principal = {
    kind: row.userId ? PrincipalKind.USER : PrincipalKind.SERVICE_USER,
    id,
    subject: row.email ?? row.name,
    name: row.name,
    emailVerified: row.emailVerifiedAt !== null,
    surface: Surface.API,
    sessionId: null,
    credentialId: row.credentialId,
    accountId: row.accountId,
    methods: [],
    authenticatedAt: null,
  };
  const who = standing(id, row);
  const refusal = gate(who);
  if (refusal) {
    await recordRefusal(db, principal, request, denialOf(principal, who, refusal));
    throw refusal;
  }
  return {
    principal,
    standing: who,
    user: row.email === null ? null : userOf(id, row.email, row),
    tokenHash: token.hash,
    lastUsedAt: row.lastUsedAt,
  };
}

function userOf(
  id: string,
  email: string,
  { name, emailVerifiedAt, userCreatedAt: createdAt }: KeyRow,
): User {
  return Object.assign(new User(), { id, email, name, emailVerifiedAt, createdAt });
}

interface SessionRow {
  sessionId: string;
  userId: string;
  email: string;
  name: string;
  emailVerified: boolean;
  methods: SignInMethod[];
  authenticatedAt: Date;
  lastUsedAt: Date;
}

async function bySession(db: Database, token: Token): Promise<Caller> {
  const idleSince = new Date(Date.now() - IDLE_MS);
  const [row] = await db.query<SessionRow>(sql`
    select s.id as "sessionId", s.methods, s.authenticated_at as "authenticatedAt",
      s.last_used_at as "lastUsedAt", u.id as "userId", u.email, u.name,
      u.email_verified_at is not null as "emailVerified"
    from sessions s join users u on u.id = s.user_id
    where s.token_hash = ${token.hash} and s.ended_at is null and s.expires_at > now()
      and s.last_used_at > ${idleSince}`);
  if (!row)
    throw new Unauthenticated(
      "This session has ended, or goes on under another token. Sign in again.",
    );
  return {
    principal: {
      kind: PrincipalKind.USER,
      id: row.userId,
      subject: row.email,
      name: row.name,
      emailVerified: row.emailVerified,
      surface: Surface.DASHBOARD,
      sessionId: row.sessionId,
      credentialId: null,
      accountId: null,
      methods: row.methods,
      authenticatedAt: row.authenticatedAt,
    },
    standing: null,
    user: null,
    tokenHash: token.hash,
    lastUsedAt: row.lastUsedAt,
  };
}

/** Notes a use, where it is time to: after the answer, and not on its way. */
export function noteUse(
  db: Database,
  { credentialId, sessionId, accountId }: Principal,
  lastUsedAt: Date | null,
  { ip, userAgent }: Request,
): Promise<unknown> | null {
  const now = new Date();
  const before = new Date(now.getTime() - USE_NOTED_EVERY_MS);
  if (lastUsedAt && lastUsedAt > before) return null;
  return db.query(
    credentialId
      ? sql`update credentials set last_used_at = ${now}, last_used_ip = ${ip}
        where account_id = ${accountId} and id = ${credentialId}
          and (last_used_at is null or last_used_at <= ${before})`
      : sql`update sessions set last_used_at = ${now}, ip = ${ip}, user_agent = ${userAgent}
        where id = ${sessionId} and last_used_at <= ${before}`,
  );
}
