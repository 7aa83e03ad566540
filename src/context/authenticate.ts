import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { PrincipalKind } from "../entities/Event";
import { type SignInMethod, Surface } from "../entities/Session";
import { User } from "../entities/User";
import { Unauthenticated } from "../errors";
import { countTry } from "../identity/throttle";
import { parseToken, type Token } from "../identity/tokens";
import { ACCOUNT_IS_OPEN, gate, PLACE_IS_HELD, PLACES, USER_OF } from "../policies/gate";
import type { Principal, Request, Standing } from "../principal";
import { credentialIsGood, sessionIsOpen } from "./proof";
import { denialOf, recordRefusal } from "./refusals";
import { standingColumns, standingOf, type StandingRow } from "./standing";

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
 * The principal that a token stands for at this moment, by one prepared, indexed statement. Nothing is
 * remembered between requests: what was revoked a millisecond ago is refused.
 *
 * @throws Unauthenticated when no principal stands behind it (WRONG_CREDENTIAL_KIND for a token of
 * another kind).
 * @throws Forbidden (MEMBER_DISABLED) for a key whose owner is disabled.
 * @throws RateLimited for one more API key that does not exist, from a network that has tried many (U10).
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
    select p.id as "credentialId", p.last_used_at as "lastUsedAt", o.*, u.email,
      coalesce(u.name, o."serviceUserName") as name,
      u.email_verified_at as "emailVerifiedAt", u.created_at as "userCreatedAt"
    from credentials p
      join accounts a on a.id = p.account_id and ${ACCOUNT_IS_OPEN}
      cross join lateral (
        select ${standingColumns("member")}, m.user_id as "userId", null as "serviceUserName"
        from ${PLACES.member} m${USER_OF.member}
        where m.account_id = a.id and m.id = p.membership_id and ${PLACE_IS_HELD.member}
        union all
        select ${standingColumns("serviceUser")}, null, m.name
        from ${PLACES.serviceUser} m
        where m.account_id = a.id and m.id = p.service_user_id and ${PLACE_IS_HELD.serviceUser}
      ) o
      left join users u on u.id = o."userId"
    where p.account_id = ${token.accountId} and p.secret_hash = ${token.hash}
      and p.kind = 'API_KEY' and ${credentialIsGood}`);
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
  const standing = standingOf(principal, row);
  const { refusal } = gate({ standing, principal, request });
  if (refusal) {
    await recordRefusal(db, principal, request, denialOf(principal, standing, refusal));
    throw refusal;
  }
  return {
    principal,
    standing,
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
  const [row] = await db.query<SessionRow>(sql`
    select p.id as "sessionId", p.methods, p.authenticated_at as "authenticatedAt",
      p.last_used_at as "lastUsedAt", u.id as "userId", u.email, u.name,
      u.email_verified_at is not null as "emailVerified"
    from sessions p join users u on u.id = p.user_id
    where p.token_hash = ${token.hash} and ${sessionIsOpen("p")}`);
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
