import { sessionIsOpen } from "../context/proof";
import { raw, type Sql, sql } from "../database/sql";
import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { Credential } from "../entities/Credential";
import { Event, PrincipalKind, UserEvent } from "../entities/Event";
import { Identity } from "../entities/Identity";
import { Invitation } from "../entities/Invitation";
import { IPRestriction } from "../entities/IPRestriction";
import { IPRule } from "../entities/IPRule";
import { Membership } from "../entities/Membership";
import { ServiceUser } from "../entities/ServiceUser";
import { Session } from "../entities/Session";
import { User } from "../entities/User";
import { credentialsFilter, eventsFilter, membersFilter } from "./filters";
import { ENGLISH, LANGUAGES } from "../mails/languages";
import type { Standing } from "../principal";
import { type Compiler, objectType, type Place, type Relations } from "./compiler";
import { literal, orNull, plain, truth } from "./json";
import { CALLER } from "./guard";
import {
  byId,
  can,
  canOwn,
  columns,
  fact,
  list,
  one,
  page,
  type Relation,
  same,
  word,
} from "./relationKinds";

const inAccount = (by: string) => ({ accountId: "accountId", [by]: "id" });

const roles = columns({
  administrator: "administrator",
  developer: "developer",
  team: "team",
  billing: "billing",
});

const principal = columns({
  id: "principalId",
  kind: "principalKind",
  subject: "principalSubject",
  surface: "surface",
  credentialId: "credentialId",
  sessionId: "sessionId",
});

/** A credential of this owner's, as yet to be made. */
const credentialOf = (owner: Record<string, string | null>) => ({
  action: "create" as const,
  subject: Credential,
  columns: { accountId: "accountId", ...owner },
});

/** A row of the account with nothing in it: to ask whether all of its kind are meant. */
const aRow =
  <R extends object>(entity: new () => R) =>
  ({ accountId }: Standing) =>
    Object.assign(new entity(), { accountId });

const ownCredential = ({ accountId, membershipId, serviceUserId }: Standing) =>
  Object.assign(new Credential(), { accountId, membershipId, serviceUserId });

/** Those who share an account with the caller see a user, through their membership there. */
const colleagues = {
  entity: User,
  shared: (id: Sql, accountIds: unknown) =>
    sql`exists (select from memberships m where m.account_id = any(${accountIds})
      and m.user_id = ${id} and m.removed_at is null)`,
};

/** The user, or the service user, behind a credential; null once they have left. */
const owner: Relation = {
  read(place, compiler) {
    const { row, field, nodes } = place;
    const member = compiler.newRow(Membership);
    const user = compiler.newRow(User);
    const bot = compiler.newRow(ServiceUser);
    const column = (of: typeof bot, property: string) => compiler.column(of, property);
    const person = compiler.select(user, compiler.body(user, field.type, nodes), [
      sql`${column(user, "id")} = (select ${column(member, "userId")}
        from ${member.table.name} ${raw(member.alias)}
        where ${column(member, "accountId")} = ${column(row!, "accountId")}
          and ${column(member, "id")} = ${column(row!, "membershipId")}
          and ${column(member, "removedAt")} is null)`,
    ]);
    const machine = compiler.select(bot, compiler.body(bot, field.type, nodes), [
      sql`${column(bot, "accountId")} = ${column(row!, "accountId")}`,
      sql`${column(bot, "id")} = ${column(row!, "serviceUserId")}`,
      sql`${column(bot, "deletedAt")} is null`,
    ]);
    const isBot = sql`${column(row!, "serviceUserId")} is not null`;
    return orNull(sql`case when ${isBot} then ${machine} else ${person} end`);
  },
};

const me: Relation = {
  read(place, compiler) {
    const person = compiler.caller.principal.kind === PrincipalKind.USER;
    const relation = person
      ? one(User, { id: CALLER.principalId })
      : one(ServiceUser, { accountId: CALLER.accountId, id: CALLER.principalId });
    return relation.read(place, compiler);
  },
};

/** Only one who came with it has it. */
const cameWith = <R extends Relation>(which: "sessionId" | "credentialId", relation: R): R => ({
  ...relation,
  read: (place: Place, compiler: Compiler) =>
    compiler.caller.principal[which] ? relation.read(place, compiler) : ["null"],
});

/** That which mails to the caller come in, whatever is stored: `languageOf` in SQL. */
const language: Relation = {
  read(_place, compiler) {
    const user = compiler.newRow(User);
    const stored = compiler.column(user, "language");
    const known = sql`case when ${stored} = any(${LANGUAGES}) then ${stored} else ${ENGLISH} end`;
    const where = sql`${compiler.column(user, "id")} = ${CALLER.principalId}`;
    return [compiler.select(user, plain(known), [where])];
  },
};

/** The gate's word on the account of a membership. */
const access: Relation = {
  read({ row, field, nodes }, compiler) {
    compiler.entersAccounts();
    const refusal = sql`${CALLER.refusals}::jsonb -> ${compiler.column(row!, "accountId")}`;
    return compiler.fields(objectType(field.type), nodes, ({ name }) =>
      name === "granted"
        ? truth(sql`${refusal} is null`)
        : orNull(sql`(${refusal} -> ${literal(name)})::text`),
    );
  },
};

/** What a member of an account sees of it where they get in; what they are where they don't. */
const myself: Relation = {
  read(place, compiler) {
    compiler.check(({ caller }) => !Object.keys(caller.refusals).length && caller.entersSilently);
    compiler.entersAccounts();
    return same.read(place, compiler);
  },
};

const gatedAccount: Relation = {
  read({ row, field, nodes }, compiler) {
    // Whichever accounts it may lead to: that the session enters them is on record (E5).
    compiler.check(({ caller }) => caller.entersSilently);
    compiler.entersAccounts();
    const account = compiler.newRow(Account);
    const id = compiler.column(account, "id");
    const body = compiler.body(account, field.type, nodes);
    const where = [
      sql`${id} = ${compiler.column(row!, "accountId")}`,
      sql`${id} = any(${CALLER.open})`,
    ];
    return orNull(compiler.select(account, body, where));
  },
};

const accountName: Relation = {
  read({ row, field }, compiler) {
    const account = compiler.newRow(Account);
    const where = sql`${compiler.column(account, "id")} = ${compiler.column(row!, "accountId")}`;
    return [compiler.select(account, compiler.leaf(account, "name", field.type), [where])];
  },
};

/** What each field reads that is no column. One that is in neither is left to its resolver. */
export const relations = {
  Query: {
    viewer: same,
    account: byId({ Account: [{ entity: Account }] }),
    node: byId({
      Account: [{ entity: Account }],
      Membership: [{ entity: Membership }],
      ServiceUser: [{ entity: ServiceUser }],
      ApiKey: [{ entity: Credential }],
      Authtoken: [{ entity: Credential }],
      Invitation: [{ entity: Invitation }],
      IPRestriction: [{ entity: IPRestriction }],
      Event: [{ entity: UserEvent, own: true }, { entity: Event }],
      Session: [{ entity: Session, own: true }],
      Authenticator: [{ entity: Authenticator, own: true }],
      Identity: [{ entity: Identity, own: true }],
      User: [{ entity: User, own: true }, colleagues],
    }),
  },
  Viewer: {
    principal: me,
    surface: fact(({ principal: { surface } }) => [JSON.stringify(surface)]),
    session: cameWith("sessionId", one(Session, { id: CALLER.sessionId })),
    credential: cameWith(
      "credentialId",
      one(Credential, { accountId: CALLER.accountId, id: CALLER.credentialId }),
    ),
    memberships: page(
      Membership,
      { userId: CALLER.principalId },
      {
        own: true,
        only: raw(
          "exists (select from accounts a where a.id = row.account_id and a.deleted_at is null)",
        ),
      },
    ),
    sessions: page(
      Session,
      { userId: CALLER.principalId },
      { own: true, only: sessionIsOpen("row") },
    ),
    authenticators: page(
      Authenticator,
      { userId: CALLER.principalId },
      { own: true, only: raw("row.confirmed_at is not null and row.removed_at is null") },
    ),
    identities: page(Identity, { userId: CALLER.principalId }, { own: true }),
    events: page(UserEvent, { userId: CALLER.principalId }, { own: true, newestFirst: true }),
    language: cameWith("sessionId", language),
    can: canOwn({ createAccount: { action: "create", row: () => new Account() } }),
  },
  ViewerMembership: { member: myself, accountName, account: gatedAccount, access },
  Account: {
    members: page(Membership, { accountId: "id" }, { where: membersFilter }),
    serviceUsers: page(ServiceUser, { accountId: "id" }),
    credentials: page(Credential, { accountId: "id" }, { where: credentialsFilter }),
    invitations: page(Invitation, { accountId: "id" }),
    ipRestrictions: list(IPRestriction, { accountId: "id" }, { by: "id", first: 10 }),
    events: page(Event, { accountId: "id" }, { where: eventsFilter }),
    can: can({
      update: "update",
      updateSignInPolicy: "updateSignInPolicy",
      delete: "delete",
      createCredential: { action: "create", row: ownCredential },
      seeInvitations: { action: "read", row: aRow(Invitation) },
      seeIPRestrictions: { action: "read", row: aRow(IPRestriction) },
      seeAllEvents: { action: "read", row: aRow(Event) },
    }),
  },
  Member: {
    user: one(User, { id: "userId" }),
    roles,
    credentials: page(Credential, inAccount("membershipId")),
    status: word(
      (m) => sql`case when ${m("disabledAt")} is null then 'ACTIVE' else 'DISABLED' end`,
    ),
    can: can({
      updateRoles: "updateRoles",
      disable: "disable",
      enable: "enable",
      remove: "remove",
      leave: "leave",
      createCredential: credentialOf({ membershipId: "id", serviceUserId: null }),
    }),
  },
  ServiceUser: {
    credentials: page(Credential, inAccount("serviceUserId")),
    can: can({ createCredential: credentialOf({ membershipId: null, serviceUserId: "id" }) }),
  },
  Credential: {
    owner,
    status: word(
      (c) => sql`case when ${c("revokedAt")} is not null then 'REVOKED'
        when ${c("expiresAt")} <= now() then 'EXPIRED'
        when ${c("ownerDisabled")} then 'OWNER_DISABLED' else 'ACTIVE' end`,
    ),
    can: can({ update: "update", revoke: "revoke" }),
  },
  Invitation: {
    roles,
    inviter: one(Membership, { accountId: "accountId", id: "inviterId" }, "removedAt"),
    status: word(
      (i) => sql`case when ${i("acceptedAt")} is not null then 'ACCEPTED'
        when ${i("declinedAt")} is not null then 'DECLINED'
        when ${i("revokedAt")} is not null then 'REVOKED'
        when ${i("expiresAt")} <= now() then 'EXPIRED' else 'PENDING' end`,
    ),
  },
  IPRestriction: {
    rules: list(IPRule, { accountId: "accountId", ipRestrictionId: "id" }, { by: "position" }),
  },
  Session: {
    current: {
      read: ({ row }, compiler) => truth(sql`${compiler.column(row!, "id")} = ${CALLER.sessionId}`),
    },
  },
  Event: { principal },
  UserEvent: { principal },
} satisfies Relations;
