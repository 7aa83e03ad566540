import { createMongoAbility } from "@casl/ability";
import fc from "fast-check";
import type { Access } from "../../src/context/access";
import type { Class } from "../../src/database/table";
import { all, type Sql, sql } from "../../src/database/sql";
import { Account } from "../../src/entities/Account";
import { Credential, CredentialKind } from "../../src/entities/Credential";
import { Event, UserEvent } from "../../src/entities/Event";
import { Invitation } from "../../src/entities/Invitation";
import { IPRestriction } from "../../src/entities/IPRestriction";
import { IPRule } from "../../src/entities/IPRule";
import { Membership } from "../../src/entities/Membership";
import { RANKS, type Roles, TeamRole } from "../../src/entities/roles";
import { ServiceUser } from "../../src/entities/ServiceUser";
import { Session } from "../../src/entities/Session";
import { User } from "../../src/entities/User";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { createAuthtoken } from "../../src/operations/credentials/createAuthtoken";
import { signOut } from "../../src/operations/sessions/signOut";
import type { Ability, Subject } from "../../src/policies/ability";
import { allowed } from "../../src/policies/allowedRows";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anInvitation,
  anIPRestriction,
  as,
  aServiceUser,
  asUser,
  aUser,
  DEVELOPER,
  withToken,
} from "../support/factories";

beforeAll(useDatabase);

const COMBINATIONS: Roles[] = RANKS.administrator.flatMap((administrator) =>
  RANKS.developer.flatMap((developer) =>
    RANKS.team.flatMap((team) =>
      RANKS.billing.map((billing) => ({ administrator, developer, team, billing })),
    ),
  ),
);

const ENTITIES: Class<Subject & { id: string }>[] = [
  Membership,
  ServiceUser,
  Credential,
  Invitation,
  IPRestriction,
  Event,
];

it("Y1: reads exactly the rows that the ability allows, for every combination of roles", async () => {
  const [ours, theirs] = [await anAccount(), await anAccount()];
  const callers: (Membership | ServiceUser)[] = [];
  for (const account of [ours, theirs]) {
    const admin = await aMember(account, ADMINISTRATOR);
    await updateAccount(await as(admin), account.id, { name: "Renamed" });
    await aMember(account, {}, { disabledAt: new Date() });
    await aMember(account, {}, { removedAt: new Date() });
    await aServiceUser(account, { deletedAt: new Date() });
    await anInvitation(admin);
    await anIPRestriction(account);
    const bot = await aServiceUser(account);
    await aCredential(bot);
    await aCredential(admin, { revokedAt: new Date() });
    if (account === ours) callers.push(bot);
  }
  for (const roles of COMBINATIONS) callers.push(await aMember(ours, roles));
  expect(COMBINATIONS).toHaveLength(24);

  let allowed = 0;
  for (const caller of callers) {
    const access = await (await as(caller)).in(ours.id);
    for (const entity of ENTITIES) {
      const table = db.table(entity);
      const read = (condition = sql`true`) =>
        db.query<{ id: string }>(
          sql`select ${table.columns} from ${table.name} row where ${all([condition])} order by row.id`,
        );
      const everything = table.instances(await read());
      const may = everything.filter((row) => access.can("read", row)).map(({ id }) => id);
      const seen = (await read(access.readable(entity))).map(({ id }) => id);
      expect([entity.name, seen]).toEqual([entity.name, may]);
      expect(may.length).toBeLessThan(everything.length);
      allowed += may.length;
    }
  }
  expect(allowed).toBeGreaterThan(500);
});

describe("rules as SQL", () => {
  /** Two accounts with everything in them, and one deleted; a person who is in all three. */
  async function aWorld() {
    const user = await aUser();
    const accounts = [await anAccount(), await anAccount(), await anAccount()];
    const memberships: Membership[] = [];
    for (const account of accounts) {
      const admin = await aMember(account, ADMINISTRATOR);
      await aMember(account, { ...ADMINISTRATOR }, { disabledAt: new Date() });
      const gone = await aMember(account, {}, { removedAt: new Date() });
      await aMember(account, {}, { userId: user.id, removedAt: new Date() });
      const own = await aMember(account, DEVELOPER, { userId: user.id });
      memberships.push(own);
      const bots = [
        await aServiceUser(account),
        await aServiceUser(account, { disabledAt: new Date() }),
        await aServiceUser(account, { deletedAt: new Date() }),
      ];
      for (const owner of [admin, gone, own, ...bots]) {
        await aCredential(owner);
        await aCredential(owner, { revokedAt: new Date(), kind: CredentialKind.AUTHTOKEN });
      }
      await anInvitation(admin);
      await anInvitation(admin, { acceptedAt: new Date() });
      await anInvitation(gone, { revokedAt: new Date() });
      await anIPRestriction(account);
      await updateAccount(await as(admin), account.id, { name: "Renamed" });
      await createAuthtoken(await as(own), account.id, {});
      await createAuthtoken(await as(bots[0]!), account.id, {});
    }
    for (const someone of [user, await aUser()]) {
      await signOut(await asUser(someone));
      await asUser(someone);
    }
    const [ours, theirs, deleted] = accounts as [Account, Account, Account];
    await sqlAsOwner("update accounts set deleted_at = now() where id = $1", [deleted.id]);
    return { user, ours, theirs, own: memberships[0]! };
  }

  const OF_ACCOUNTS: Class<object>[] = [...ENTITIES, Account, IPRule];
  const OF_USERS: Class<object>[] = [User, Session, UserEvent];

  const keyOf = (row: object) => JSON.stringify(row, Object.keys(row).sort());

  /** Compares what SQL finds with what JavaScript allows, in every table; tells how many rows. */
  async function expectAgreement(access: Access): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const entity of access.standing ? OF_ACCOUNTS : [...OF_ACCOUNTS, ...OF_USERS]) {
      const table = db.table(entity);
      const select = (where: Sql) =>
        db.query<object>(sql`select ${table.columns} from ${table.name} row where ${where}`);
      const may = table
        .instances(await select(sql`true`))
        .filter((row) => access.can("read", row as Subject));
      const seen = await select(access.readable(entity));
      expect([entity.name, ...seen.map(keyOf).sort()]).toEqual([
        entity.name,
        ...may.map(keyOf).sort(),
      ]);
      counts[entity.name] = seen.length;
    }
    return counts;
  }

  it("Y1, M2: agree with JavaScript on every row of every table, however a member comes", async () => {
    const { ours, own } = await aWorld();
    const key = (await aCredential(own)).secret;

    for (const roles of COMBINATIONS) {
      await sqlAsOwner(
        "update memberships set administrator = $2, developer = $3, team = $4, billing = $5 where id = $1",
        [own.id, roles.administrator, roles.developer, roles.team, roles.billing],
      );
      const bySession = await expectAgreement(await (await as(own)).in(ours.id));
      const byKey = await expectAgreement(await (await withToken(key)).in(ours.id));

      expect(byKey).toEqual(bySession);
      const { administrator, team } = roles;
      expect(bySession).toMatchObject({
        Account: 1,
        Membership: 3,
        ServiceUser: 2,
        Invitation: administrator || team !== TeamRole.READ_ONLY ? 3 : 0,
        IPRestriction: administrator ? 1 : 0,
        IPRule: administrator ? 1 : 0,
        Event: administrator || team === TeamRole.MANAGER ? 3 : 1,
      });
    }
  });

  it("Y1, S1, S5: agree for service users, and for what is a person's own", async () => {
    const { user, ours } = await aWorld();
    for (const developer of RANKS.developer) {
      const bot = await aServiceUser(ours, { developer });
      const counts = await expectAgreement(await (await as(bot)).in(ours.id));
      expect(counts).toMatchObject({ Account: 1, Membership: 3, Invitation: 0, Event: 0 });
      await expectAgreement((await as(bot)).self);
    }

    const own = await expectAgreement((await asUser(user)).self);
    expect(own).toMatchObject({ User: 1, Membership: 3, UserEvent: 1, Account: 0, Credential: 0 });
    expect(own["Session"]).toBeGreaterThan(1);

    const member = await aMember(ours, ADMINISTRATOR);
    await aMember(await anAccount(), ADMINISTRATOR, { userId: member.userId });
    const byKey = await withToken((await aCredential(member)).secret);
    expect(await expectAgreement(byKey.self)).toMatchObject({
      User: 1,
      Membership: 1,
      Session: 0,
      UserEvent: 0,
    });
  });

  it("Y1: mean the same as in JavaScript where a column is null, whatever they say", async () => {
    const account = await anAccount();
    const [member, bot] = [await aMember(account), await aServiceUser(account)];
    for (const owner of [member, bot]) await aCredential(owner, { description: "x" });
    await aCredential(member, { kind: CredentialKind.AUTHTOKEN });
    const table = db.table(Credential);
    const rows = table.instances(
      await db.query(
        sql`select ${table.columns} from ${table.name} row where account_id = ${account.id}`,
      ),
    );
    expect(rows).toHaveLength(3);

    // CASL reads conditions as ordinary objects.
    const PLAIN = { noNullPrototype: true };
    const fields = fc.constantFrom("membershipId", "serviceUserId", "kind", "description");
    const value = fc.constantFrom(null, member.id, bot.id, "API_KEY", "x");
    const text = fc.constantFrom(member.id, bot.id, "API_KEY", "x");
    const comparison = fc.oneof(
      value,
      fc.record({ $eq: value }, PLAIN),
      fc.record({ $ne: value }, PLAIN),
      fc.record({ $in: fc.array(text, { maxLength: 3 }) }, PLAIN),
      fc.record({ $nin: fc.array(text, { maxLength: 3 }) }, PLAIN),
    );
    const rule = fc.record({
      action: fc.constant("read" as const),
      subject: fc.constant(Credential),
      conditions: fc.dictionary(fields, comparison, { maxKeys: 3, ...PLAIN }),
      inverted: fc.boolean(),
    });

    await fc.assert(
      fc.asyncProperty(fc.array(rule, { minLength: 1, maxLength: 4 }), async (rules) => {
        const ability = createMongoAbility<Ability>(rules as never, {
          detectSubjectType: (row) => row.constructor as typeof Credential,
        });
        const where = allowed(ability, "read", Credential, table.at("row"));
        const seen = await db.query<{ id: string }>(
          sql`select id from credentials row where account_id = ${account.id} and ${where}`,
        );
        const may = rows.filter((row) => ability.can("read", row));
        expect(seen.map(({ id }) => id).sort()).toEqual(may.map(({ id }) => id).sort());
      }),
      { seed: 20261124, numRuns: 500 },
    );
  });

  it.each([
    { description: { $gt: "a" } },
    { description: { $regex: "^a" } },
    { description: { $in: ["a", null] } },
    { description: { $nin: [null] } },
  ])("refuse to guess what SQL is for %j", (conditions) => {
    const rule = { action: "read", subject: Credential, conditions };
    const ability = createMongoAbility<Ability>([rule] as never);

    expect(() => allowed(ability, "read", Credential, db.table(Credential).at("row"))).toThrow(
      "can't say",
    );
  });
});
