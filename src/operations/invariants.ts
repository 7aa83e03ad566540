import { z } from "zod";
import type { Context } from "../context";
import { sql } from "../database/sql";
import { Credential, CredentialKind } from "../entities/Credential";
import { PrincipalKind } from "../entities/Event";
import { Membership } from "../entities/Membership";
import { ServiceUser } from "../entities/ServiceUser";
import { Session, type SignInMethod, Surface } from "../entities/Session";
import { User } from "../entities/User";
import { NotFound, Refusal, Refused, Unauthenticated } from "../errors";
import { kindOf, newId } from "../ids";
import { verifyPassword } from "../identity/passwords";
import { newSession } from "../identity/sessions";
import { countTry, forgive } from "../identity/throttle";
import { newToken, parseToken } from "../identity/tokens";
import type { Principal } from "../principal";
import { recordRefusal } from "../recording";
import type { Transaction } from "../transaction";

/**
 * Refuses to take an account's last active administrator away (M7).
 *
 * The transaction holds the account. Without that, two administrators could each see the other
 * and leave in the same instant.
 */
export async function keepAnAdministrator(tx: Transaction, leaving: Membership): Promise<void> {
  if (!leaving.administrator || leaving.disabledAt) return;
  const others = await tx.query(sql`
    select from memberships where account_id = ${leaving.accountId} and id <> ${leaving.id}
      and administrator and disabled_at is null and removed_at is null limit 1`);
  if (others.length) return;
  throw new Refused(
    Refusal.LAST_ADMINISTRATOR,
    "This is the account's last active administrator. Make another member an administrator first.",
  );
}

/** Ends a membership: whoever comes back gets a new one, and old credentials stay revoked (M5). */
export async function endMembership(tx: Transaction, member: Membership): Promise<void> {
  await keepAnAdministrator(tx, member);
  member.removedAt = tx.now;
  await tx.save(member);

  const credentials = await tx.rows(
    Credential,
    sql`row.membership_id = ${member.id} and row.revoked_at is null`,
  );
  tx.entail("revoke", credentials, member);
  for (const credential of credentials) credential.revokedAt = tx.now;
  await tx.saveAll(credentials, "revokedAt");
  await tx.record("credential_revoked.v1", ...credentials);
}

/** A user who is on the way in. */
export interface Arriving {
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
}

/** The user as whom somebody is trying to get in, not proven yet. */
export function arriving({ id, email, name, emailVerified }: Arriving): Principal {
  return {
    kind: PrincipalKind.USER,
    id,
    subject: email,
    name,
    emailVerified,
    surface: Surface.DASHBOARD,
    sessionId: null,
    credentialId: null,
    accountId: null,
    methods: [],
    authenticatedAt: null,
  };
}

/** Opens a session for whoever proved who they are by these methods. Every session begins here. */
export async function openSession(
  ctx: Context,
  user: Arriving,
  methods: SignInMethod[],
  also: (tx: Transaction) => Promise<void> = () => Promise.resolve(),
): Promise<{ session: Session; token: string }> {
  const { session, token } = newSession(user.id, methods, ctx.request, new Date());
  const { id: sessionId, authenticatedAt } = session;
  ctx.become({ ...arriving(user), sessionId, methods, authenticatedAt });
  await ctx.self.transaction(async (tx) => {
    tx.authorize("create", session);
    await tx.save(session);
    await tx.record("signed_in.v1", session);
    await also(tx);
  });
  return { session, token };
}

export const WRONG_PASSWORD = "The password is wrong.";

/**
 * Has whoever holds the session prove that they are its person, and gives the hash that matched.
 *
 * @throws Unauthenticated (INVALID_CREDENTIALS); RateLimited after too many wrong ones.
 */
export async function assertPassword(ctx: Context, password: string): Promise<string> {
  const { id: userId, sessionId } = ctx.principal;
  const [user] = await ctx.db.query<{ email: string; hash: string | null }>(sql`
    select email, password_hash as hash from users where id = ${userId}`);
  // The same secret as at sign-in, so the same count; but what strangers elsewhere do is not theirs.
  const { email } = user!;
  const guesser = { secret: "password", email, ip: ctx.request.ip, familiar: true } as const;
  await countTry(ctx.db, guesser);
  if (user!.hash !== null && (await verifyPassword(user!.hash, password))) {
    ctx.background(forgive(ctx.db, guesser));
    return user!.hash;
  }
  const refusal = {
    type: "reauthentication_refused.v1" as const,
    stream: { userId },
    objectId: sessionId!,
    decision: {
      action: "update Session",
      allowed: false,
      rule: null,
      code: "INVALID_CREDENTIALS",
      roles: null,
    },
  };
  ctx.background(recordRefusal(ctx.db, ctx.principal, ctx.request, refusal));
  throw new Unauthenticated(WRONG_PASSWORD, "INVALID_CREDENTIALS");
}

/**
 * Takes a session of the caller's own, to end it or to go on with it.
 *
 * @throws NotFound for one that is not theirs; Forbidden for an API key, which has none.
 * @throws Unauthenticated when the session that asks was ended meanwhile, and it is another.
 */
export async function lockOwnSession(
  tx: Transaction,
  sessionId: string | null,
  action: "end" | "update" = "end",
): Promise<Session> {
  const asking = tx.principal.sessionId;
  const held = asking ? await tx.rows(Session, sql`row.id = any(${[asking, sessionId]})`) : [];
  const session = asking ? held.find(({ id }) => id === sessionId) : new Session();
  if (!session) throw new NotFound(sessionId!);
  tx.authorize(action, session);
  if (sessionId !== asking) assertOpen(held, asking);
  return session;
}

/**
 * Ends the caller's sessions that are open, but for one.
 *
 * @throws Forbidden for an API key; Unauthenticated when the one that asks was ended meanwhile.
 */
export async function endSessions(tx: Transaction, except: string | null): Promise<Session[]> {
  const { id: userId, sessionId } = tx.principal;
  tx.authorize("end", Object.assign(new Session(), { userId }));
  // All of them: of two that end each other, one is first.
  const open = await tx.rows(
    Session,
    sql`row.user_id = ${userId} and row.ended_at is null and row.expires_at > now()`,
  );
  if (sessionId) assertOpen(open, sessionId);
  const others = open.filter(({ id }) => id !== except);
  for (const session of others) {
    tx.authorize("end", session);
    session.endedAt = tx.now;
  }
  await tx.saveAll(others, "endedAt");
  await tx.record("session_ended.v1", ...others);
  return others;
}

function assertOpen(held: readonly Session[], sessionId: string | null): void {
  if (held.some(({ id, endedAt }) => id === sessionId && !endedAt)) return;
  throw new Unauthenticated("This session has ended. Sign in again.");
}

export interface NewCredential {
  /** A member or service user of the account; the caller where absent. */
  ownerId?: string | null | undefined;
  description?: string | null | undefined;
  metadata?: string | null | undefined;
  expiresAt?: Date | null | undefined;
}

/** Makes a credential. Its secret is in the answer and nowhere else. */
export async function issueCredential<C extends Credential>(
  tx: Transaction,
  kind: CredentialKind,
  { ownerId, description, metadata, expiresAt }: NewCredential,
): Promise<{ credential: C; secret: string }> {
  const { accountId, membershipId, serviceUserId } = tx.standing!;
  const owner = ownerId ?? membershipId ?? serviceUserId!;
  const byService = kindOf(owner) === "ServiceUser";
  const { disabledAt } = await tx.lock<Membership | ServiceUser>(
    byService ? ServiceUser : Membership,
    owner,
  );
  const isKey = kind === CredentialKind.API_KEY;
  const { text: secret, hash } = newToken(kind, accountId);
  const credential = Object.assign(new Credential(), {
    accountId,
    id: newId(isKey ? "ApiKey" : "Authtoken"),
    kind,
    membershipId: byService ? null : owner,
    serviceUserId: byService ? owner : null,
    description: boundedText(description ?? "", ["description"], 255),
    metadata: boundedText(metadata ?? "", ["metadata"], 4096),
    secretHash: hash,
    lastFour: secret.slice(-4),
    expiresAt: expiresAt ?? null,
    revokedAt: null,
    lastUsedAt: null,
    lastUsedIp: null,
    createdAt: tx.now,
  });
  tx.authorize("create", credential);
  if (owner !== (membershipId ?? serviceUserId)) tx.requireFresh(credential);
  if (disabledAt) {
    throw new Refused(Refusal.BAD_USER_INPUT, "The owner is disabled. Enable them first.", [
      "ownerId",
    ]);
  }
  if (expiresAt && expiresAt <= tx.now) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Choose a time in the future; ${expiresAt.toISOString()} is over.`,
      ["expiresAt"],
    );
  }
  await tx.save(credential);
  await tx.record(isKey ? "api_key_created.v1" : "authtoken_created.v1", credential);
  return { credential: credential as C, secret };
}

/** The caller's own membership, for what only a member can do. */
export async function ownMembership(tx: Transaction, action: "leave"): Promise<Membership> {
  const { membershipId, accountId } = tx.standing!;
  const member = membershipId
    ? await tx.lock(Membership, membershipId)
    : Object.assign(new Membership(), { accountId }); // a service user's: there is none
  tx.authorize(action, member);
  return member;
}

/** The caller's own row, to change it. @throws Forbidden for an API key. */
export async function lockSelf(tx: Transaction): Promise<User> {
  const { id, sessionId } = tx.principal;
  const user = sessionId ? await tx.lock(User, id) : Object.assign(new User(), { id });
  tx.authorize("update", user);
  return user;
}

/**
 * Keeps an email from getting another user until commit, and refuses the link where it has one.
 *
 * @throws Refused (TOKEN_INVALID).
 */
export async function holdFreeEmail(tx: Transaction, email: string): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${email}, 0))`);
  const taken = await tx.query(sql`select from users where email = ${email}`);
  if (taken.length) throw tokenInvalid();
}

/** Counts a request for a mail: nobody is sent many, and nobody has many sent. @throws RateLimited. */
export async function countMail(ctx: Context, to: string): Promise<void> {
  await countTry(ctx.db, { secret: "mail", email: to, ip: ctx.request.ip, familiar: false });
}

/**
 * The hash of a token from a mail, to look it up by.
 *
 * @throws Refused (TOKEN_INVALID) for what is none; RateLimited after too many tries.
 */
export async function readOneTimeToken(ctx: Context, text: string): Promise<Buffer> {
  await countTry(ctx.db, tokenGuesser(ctx));
  const token = parseToken(text);
  if (token?.kind !== "ONE_TIME") throw tokenInvalid();
  return token.hash;
}

/** The token was good: many people behind one address may follow their links. */
export function forgiveToken(ctx: Context): void {
  ctx.background(forgive(ctx.db, tokenGuesser(ctx)));
}

function tokenGuesser({ request }: Context) {
  return { secret: "token", email: "", ip: request.ip, familiar: true } as const;
}

/** Expired, used and unknown alike. */
export function tokenInvalid(): Refused {
  const message = "This link has expired or was used before. Ask for a new one.";
  return new Refused(Refusal.TOKEN_INVALID, message, ["token"]);
}

/** An email address as it is kept: in lower case, without white space around it. */
export function emailFrom(text: string, field: string[]): string {
  const email = text.trim().toLowerCase();
  if (z.email().safeParse(email).success) return boundedText(email, field, 254);
  throw new Refused(Refusal.BAD_USER_INPUT, "This is no email address.", field);
}

/** A name without white space around it. */
export function nameFrom(text: string, field: string[]): string {
  const name = text.trim();
  if (!name) throw new Refused(Refusal.BAD_USER_INPUT, "Give it a name.", field);
  return boundedText(name, field, 255);
}

export function boundedText(text: string, field: string[], maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw new Refused(
    Refusal.BAD_USER_INPUT,
    `Use at most ${maxBytes} bytes; this has ${bytes}.`,
    field,
  );
}
