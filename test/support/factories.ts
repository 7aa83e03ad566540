import { randomBytes } from "node:crypto";
import { authenticate } from "../../src/context/authenticate";
import { Context } from "../../src/context/context";
import { type EncryptionKeys, parseKeys } from "../../src/setup/config";
import type { Class } from "../../src/database/table";
import { Account } from "../../src/entities/Account";
import { Authenticator } from "../../src/entities/Authenticator";
import { Credential, CredentialKind } from "../../src/entities/Credential";
import { Identity, SocialProvider } from "../../src/entities/Identity";
import { Invitation } from "../../src/entities/Invitation";
import { IPRestriction } from "../../src/entities/IPRestriction";
import { IPRule, IPRuleEffect } from "../../src/entities/IPRule";
import { Membership, Provisioning } from "../../src/entities/Membership";
import { DeveloperRole, LOWEST, type Roles, TeamRole } from "../../src/entities/roles";
import { ServiceUser } from "../../src/entities/ServiceUser";
import { type Session, SignInMethod, Surface } from "../../src/entities/Session";
import { User } from "../../src/entities/User";
import { Keyring } from "../../src/identity/encryption";
import { newRecoveryCodes } from "../../src/identity/recoveryCodes";
import { newSession } from "../../src/identity/sessions";
import { SocialClient } from "../../src/identity/providers";
import { newToken } from "../../src/identity/tokens";
import { newTotpSecret } from "../../src/identity/totp";
import { newId } from "../../src/ids";
import type { Language } from "../../src/mails/languages";
import type { Opened } from "../../src/operations/steps/openSession";
import { secretPlace } from "../../src/operations/steps/openTotpSecret";
import { outbound } from "../../src/net/outbound";
import { operatorNamed, SIGN_UP, system } from "../../src/principal";
import { AccountEntries } from "../../src/context/accountEntries";
import { NO_BROWSER } from "../../src/context/browser";
import type { Services } from "../../src/context/services";
import { db, inBackground, sqlAsOwner } from "./database";

/** Rows for tests, put there without going through operations, so without events. */
async function save<E extends object>(entity: Class<E>, fields: E): Promise<E> {
  const row = Object.assign(new entity(), fields);
  await db.query(db.table(entity).insertion([row]));
  return row;
}

const now = () => new Date();
/** Where nobody answers. */
const NOWHERE = "http://127.0.0.1:1";
/** The test server's encryption key, as its configuration says it. */
export const ENCRYPTION_KEYS = `test:${Buffer.alloc(32, 7).toString("base64")}`;
const OUTBOUND = outbound({ production: false, privateHosts: [] });
export const services: Services = {
  name: "Gatehouse",
  keyring: new Keyring(parseKeys(ENCRYPTION_KEYS) as EncryptionKeys),
  social: Object.values(SocialProvider).map((provider) => {
    const settings = { clientId: "gatehouse", clientSecret: "secret", url: NOWHERE };
    return new SocialClient(provider, settings, "http://localhost:4000", OUTBOUND);
  }),
  fetch: OUTBOUND,
  breachedPasswordsUrl: null,
  entries: new AccountEntries(),
};
/** Of somebody who has been everywhere: nothing is left to record. */
export const BEEN_EVERYWHERE = Object.assign(new AccountEntries(), { has: () => true });
export const REQUEST = { id: "req_test", ip: "192.0.2.7", userAgent: "jest" };

export const ADMINISTRATOR: Roles = { ...LOWEST, administrator: true };
export const MANAGER: Roles = { ...LOWEST, team: TeamRole.MANAGER };
export const INVITER: Roles = { ...LOWEST, team: TeamRole.INVITE_ONLY };
export const DEVELOPER: Roles = { ...LOWEST, developer: DeveloperRole.READ_WRITE };
export const READER: Roles = LOWEST;

export function aUser(fields: Partial<User> = {}): Promise<User> {
  const id = newId("User");
  return save(User, {
    id,
    email: `${id}@example.com`,
    name: `User ${id.slice(-4)}`,
    passwordHash: null,
    emailVerifiedAt: now(),
    mfaEnabledAt: null,
    language: "en",
    createdAt: now(),
    ...fields,
  });
}

export function anAccount(fields: Partial<Account> = {}): Promise<Account> {
  const id = newId("Account");
  return save(Account, {
    id,
    name: "Acme",
    mfaRequired: false,
    deletedAt: null,
    createdAt: now(),
    ...fields,
  });
}

export async function aMember(
  account: Account,
  roles: Partial<Roles> = {},
  fields: Partial<Membership> = {},
): Promise<Membership> {
  return save(Membership, {
    accountId: account.id,
    id: newId("Membership"),
    userId: fields.userId ?? (await aUser()).id,
    ...LOWEST,
    ...roles,
    provisioning: Provisioning.INVITATION,
    disabledAt: null,
    removedAt: null,
    createdAt: now(),
    ...fields,
  } as Membership);
}

export function aServiceUser(
  account: Account,
  fields: Partial<ServiceUser> = {},
): Promise<ServiceUser> {
  const id = newId("ServiceUser");
  return save(ServiceUser, {
    accountId: account.id,
    id,
    name: `bot ${id.slice(-6)}`,
    developer: DeveloperRole.READ_WRITE,
    disabledAt: null,
    deletedAt: null,
    createdAt: now(),
    ...fields,
  });
}

/** A credential and its secret: an API key unless told otherwise. */
export async function aCredential(
  owner: Membership | ServiceUser,
  fields: Partial<Credential> = {},
): Promise<{ credential: Credential; secret: string }> {
  const kind = fields.kind ?? CredentialKind.API_KEY;
  const { text: secret, hash } = newToken(kind, owner.accountId);
  const byService = owner instanceof ServiceUser;
  const credential = await save(Credential, {
    accountId: owner.accountId,
    id: newId(kind === CredentialKind.API_KEY ? "ApiKey" : "Authtoken"),
    kind,
    membershipId: byService ? null : owner.id,
    serviceUserId: byService ? owner.id : null,
    description: "",
    metadata: "",
    secretHash: hash,
    lastFour: secret.slice(-4),
    expiresAt: null,
    revokedAt: null,
    lastUsedAt: now(),
    lastUsedIp: null,
    createdAt: now(),
    ...fields,
  } as Credential);
  return { credential, secret };
}

export function anInvitation(
  inviter: Membership,
  fields: Partial<Invitation> = {},
): Promise<Invitation> {
  const id = newId("Invitation");
  return save(Invitation, {
    accountId: inviter.accountId,
    id,
    email: `${id}@example.com`,
    ...LOWEST,
    inviterId: inviter.id,
    tokenHash: randomBytes(32),
    expiresAt: new Date(Date.now() + 86_400_000),
    acceptedAt: null,
    declinedAt: null,
    revokedAt: null,
    createdAt: now(),
    ...fields,
  } as Invitation);
}

export async function anIPRestriction(
  account: Account,
  surface = Surface.API,
): Promise<IPRestriction> {
  const restriction = await save(IPRestriction, {
    accountId: account.id,
    id: newId("IPRestriction"),
    surface,
    enforced: false,
    createdAt: now(),
  });
  await save(IPRule, {
    accountId: account.id,
    ipRestrictionId: restriction.id,
    position: 1,
    range: "203.0.113.0/24",
    effect: IPRuleEffect.ALLOW,
    description: "Office",
  });
  return restriction;
}

/**
 * A session of this user, as a browser would hold it. It has been in the accounts that they are in
 * by now, unless told otherwise: entering them is no news (E5).
 */
export async function aSession(
  userId: string,
  { entered = true } = {},
): Promise<{ id: string; token: string }> {
  const { session, token } = newSession(userId, [SignInMethod.PASSWORD], REQUEST, null, now());
  await db.query(db.table(session.constructor as Class<typeof session>).insertion([session]));
  if (entered) {
    await sqlAsOwner(
      "insert into entries select distinct account_id, $2, now() from memberships where user_id = $1",
      [userId, session.id],
    );
  }
  return { id: session.id, token };
}

/** A second factor that is on, its secret and its recovery codes. */
export async function anAuthenticator(
  userId: string,
  fields: Partial<Authenticator> = {},
): Promise<{ authenticator: Authenticator; secret: Buffer; codes: string[] }> {
  const id = newId("Authenticator");
  const secret = newTotpSecret();
  const { keyId, sealed } = services.keyring.seal(secret, secretPlace({ id }));
  const { codes, hashes } = newRecoveryCodes();
  await sqlAsOwner("update users set mfa_enabled_at = now() where id = $1", [userId]);
  const authenticator = await save(Authenticator, {
    id,
    userId,
    sealedSecret: sealed,
    keyId,
    lastStep: 0,
    recoveryCodeHashes: hashes,
    recoveryCodesLeft: hashes.length,
    recoveryCodesCreatedAt: now(),
    confirmedAt: now(),
    removedAt: null,
    createdAt: now(),
    ...fields,
  });
  return { authenticator, secret, codes };
}

/** Who a person is at GitHub, unless told otherwise. */
export function anIdentity(userId: string, fields: Partial<Identity> = {}): Promise<Identity> {
  const id = newId("Identity");
  return save(Identity, {
    id,
    userId,
    provider: SocialProvider.GITHUB,
    subject: id,
    email: `${id}@example.com`,
    lastUsedAt: null,
    createdAt: now(),
    ...fields,
  });
}

/** The session of somebody who owes nothing more. */
export function signedIn(opened: Opened): { session: Session; token: string } {
  if (!opened.session) throw new Error("A code is owed");
  return opened;
}

/** What every context of a test is made with. */
export const base = () => ({ db, services, request: REQUEST, background: inBackground });

/** The context of a request with this token: a session's or an API key's. */
export async function withToken(token: string): Promise<Context> {
  const { principal, standing } = await authenticate(db, token, REQUEST);
  return new Context({ ...base(), caller: principal, standing });
}

/** The context of a request by this member, signed in; or by this service user, with a key. */
export async function as(who: Membership | ServiceUser): Promise<Context> {
  if (who instanceof ServiceUser) return withToken((await aCredential(who)).secret);
  return withToken((await aSession(who.userId)).token);
}

/** The context of a request by this user, signed in. */
export async function asUser(user: User): Promise<Context> {
  return withToken((await aSession(user.id)).token);
}

/** The same, in a browser that sent the session in its cookie. */
export async function inBrowser(user: User): Promise<Context> {
  const { principal } = await authenticate(db, (await aSession(user.id)).token, REQUEST);
  return new Context({
    ...base(),
    caller: principal,
    browser: { ...NO_BROWSER, sentSession: true },
  });
}

/** The context of a request by this user, whose last proof is too old for what is sensitive (U11). */
export async function asStaleUser(user: User): Promise<Context> {
  const { id, token } = await aSession(user.id);
  await sqlAsOwner(
    "update sessions set authenticated_at = now() - interval '16 minutes' where id = $1",
    [id],
  );
  return withToken(token);
}

/** The context of a request with an API key of this user's, who is a member of some account. */
export async function asKeyOf(user: User): Promise<Context> {
  const member = await aMember(await anAccount(), {}, { userId: user.id });
  return withToken((await aCredential(member)).secret);
}

/** The context of a request that nobody signed, and that asks for this language. */
export function asNobody(language: Language = "en"): Context {
  return new Context({ ...base(), caller: null, browser: { ...NO_BROWSER, language } });
}

/** The context of a command of the operator's, on a server with these settings. */
export function asOperator(at: Services = services): Context {
  const request = { id: "cli_test", ip: null, userAgent: null };
  return new Context({ ...base(), services: at, request, caller: operatorNamed("root", "host") });
}

/** The context of what creates users: a machine of ours that is not the operator. */
export function asSignUp(at: Services = services): Context {
  return new Context({ ...base(), services: at, caller: system(SIGN_UP) });
}

/** What happened to a user and in no account, oldest first, refusals included. */
export async function userEventsOf(user: {
  id: string;
}): Promise<{ type: string; [key: string]: unknown }[]> {
  return sqlAsOwner("select * from user_events where user_id = $1 order by id", [user.id]);
}

/** What happened in an account, oldest first, refusals and who came in apart. */
export async function eventsOf(account: {
  id: string;
}): Promise<{ type: string; [key: string]: unknown }[]> {
  return sqlAsOwner(
    `select * from events where account_id = $1
      and type not in ('action_refused.v1', 'account_entered.v1') order by id`,
    [account.id],
  );
}

export async function refusalsIn(account: {
  id: string;
}): Promise<{ decision: { code: string; count: number; action: string } }[]> {
  return sqlAsOwner(
    `select * from events where account_id = $1 and type = 'action_refused.v1' order by id`,
    [account.id],
  );
}
