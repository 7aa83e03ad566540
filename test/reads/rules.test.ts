import fc from "fast-check";
import { type OperationDefinitionNode, parse, validate } from "graphql";
import { authenticate } from "../../src/context/authenticate";
import { sql } from "../../src/database/sql";
import type { Class } from "../../src/database/table";
import { Account } from "../../src/entities/Account";
import { Credential } from "../../src/entities/Credential";
import { Event, UserEvent } from "../../src/entities/Event";
import { Invitation } from "../../src/entities/Invitation";
import { IPRestriction } from "../../src/entities/IPRestriction";
import { Membership } from "../../src/entities/Membership";
import type { Roles } from "../../src/entities/roles";
import { ServiceUser } from "../../src/entities/ServiceUser";
import { Session } from "../../src/entities/Session";
import { User } from "../../src/entities/User";
import { hashOf } from "../../src/identity/tokens";
import type { Action, Subject } from "../../src/policies/ability";
import { rememberCaller } from "../../src/context/rememberedCaller";
import { admit, type AdmittedCaller, OWN } from "../../src/reads/admittedCaller";
import { Reading } from "../../src/reads/reading";
import { relations } from "../../src/reads/relations";
import { schema } from "../../src/graphql/schema";
import { db, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  aServiceUser,
  aSession,
  BEEN_EVERYWHERE,
  aUser,
  DEVELOPER,
  READER,
} from "../support/factories";
import { random } from "../support/randomDocuments";
import { abilityOf, aRule, type Ids, type RandomRule, type Row } from "../support/randomRules";
import { aWorld } from "../support/world";

/**
 * Random rules in place of those in `policies/`: what the compiler makes of them, for a caller in
 * several accounts, against what CASL says of each row in JavaScript.
 */
const SEED = 20261124;
const RULE_SETS = 400;

const IN_ACCOUNTS = [
  ...[Account, Membership, ServiceUser, Credential],
  ...[Invitation, IPRestriction, Event],
] as Class<Row>[];
const OF_USERS = [User, Session, UserEvent] as Class<Row>[];

const rows = new Map<Class<Row>, Row[]>();
/** A person with a session, who is in all accounts, one with an API key, and a service user. */
const callers: AdmittedCaller[] = [];

beforeAll(async () => {
  await useDatabase();
  const rng = random(SEED);
  await aWorld(rng);
  await aWorld(rng);
  const accounts = (await read(Account)) as Account[];
  expect(accounts).toHaveLength(6);
  const { id: userId } = await aUser();
  const memberships: Membership[] = [];
  for (const [i, account] of accounts.entries()) {
    const roles = [ADMINISTRATOR, DEVELOPER, READER][i % 3];
    memberships.push(await aMember(account, roles, { userId }));
  }
  const bot = await aServiceUser(accounts[0]!);
  for (const owner of [...memberships, bot]) await aCredential(owner);
  const tokens = [
    (await aSession(userId)).token,
    (await aCredential(memberships[1]!)).secret,
    (await aCredential(bot)).secret,
  ];
  for (const token of tokens) {
    const request = { id: "req_test", ip: null, userAgent: null };
    const { principal, standing } = await authenticate(db, token, request);
    const tokenHash = hashOf(token);
    const known = await rememberCaller(db, {
      caller: principal,
      ...{ standing, tokenHash, lastUsedAt: null },
    });
    callers.push(admit(known!, { request, services: { entries: BEEN_EVERYWHERE } }));
  }
  expect(callers.map(({ groups }) => groups.length)).toEqual([3, 1, 1]);
  for (const entity of [...IN_ACCOUNTS, ...OF_USERS]) rows.set(entity, await read(entity));
});

async function read(entity: Class<Row>): Promise<Row[]> {
  const table = db.table(entity);
  return table.instances(
    await db.query(sql`select ${table.withVirtual} from ${table.name} row order by row.id`),
  );
}

const DOCUMENT = `query ($account: ID!, $node: ID!) {
  account(id: $account) {
    id
    can {
      update delete createCredential
      seeInvitations seeIPRestrictions seeAllEvents
    }
    members(first: 100) {
      nodes { id can { updateRoles disable enable remove leave createCredential } }
    }
    serviceUsers(first: 100) { nodes { id can { createCredential } } }
    credentials(first: 100) { nodes { id can { update revoke } } }
    invitations(first: 100) { nodes { id } }
    ipRestrictions { id }
    events(first: 100) { nodes { id } }
  }
  node(id: $node) { id }
  viewer {
    can { createAccount }
    memberships(first: 100) { nodes { member { id } } }
    sessions(first: 100) { nodes { id } }
    events(first: 100) { nodes { id } }
  }
}`;

/** Rules for each kind of roles that a caller may have, and for what is the caller's own. */
interface RuleSets {
  byRoles: ReadonlyMap<string, RandomRule[]>;
  own: RandomRule[];
}
const key = (roles: Roles) => JSON.stringify(roles);

/** Puts these rules in place of those by which the caller is known. */
function obey(known: AdmittedCaller, { byRoles, own }: RuleSets): AdmittedCaller {
  const { groups, principal } = known;
  const self: Ids = {
    principalId: OWN.principalId,
    keyAccountId: principal.accountId && OWN.keyAccountId,
  };
  return Object.assign(Object.create(known) as AdmittedCaller, {
    groups: groups.map((group) => {
      const ability = abilityOf(byRoles.get(key(group.standing.roles))!, group.standing, rows);
      return { ...group, ability };
    }),
    self: abilityOf(own, self, rows),
  });
}

/** What the caller is to be told, each row asked of CASL. */
function oracle({ principal, standings }: AdmittedCaller, { byRoles, own }: RuleSets) {
  const { id: principalId, accountId: keyAccountId } = principal;
  const self = abilityOf(own, { principalId, keyAccountId }, rows);
  const abilities = new Map(
    standings.map((one) => [one.accountId, abilityOf(byRoles.get(key(one.roles))!, one, rows)]),
  );
  const accountOf = (row: Subject) =>
    row instanceof Account ? row.id : (Reflect.get(row, "accountId") as string);
  const may = (action: Action, row: Subject) =>
    abilities.get(accountOf(row))?.can(action, row) ?? false;
  const facts = (row: Subject, actions: Action[]) =>
    Object.fromEntries(actions.map((action) => [action, may(action, row)]));
  const mine = (entity: Class<object>) =>
    rowsOf(entity).filter(
      (row) => Reflect.get(row, "userId") === principalId && self.can("read", row),
    );
  const isColleague = (row: Row) =>
    row instanceof User &&
    (rowsOf(Membership) as unknown as Membership[]).some(
      ({ userId, accountId, removedAt }) =>
        userId === row.id && !removedAt && abilities.has(accountId),
    );

  return {
    account(accountId: string) {
      const seen = (entity: Class<object>) =>
        rowsOf(entity).filter((row) => accountOf(row) === accountId && may("read", row));
      const account = rowsOf(Account).find(({ id }) => id === accountId)!;
      if (!may("read", account)) return null;
      /** Rows that aren't there yet. */
      const any = (row: Subject) => Object.assign(row, { accountId });
      const credentialOf = (membershipId: string | null, serviceUserId: string | null) =>
        may("create", any(Object.assign(new Credential(), { membershipId, serviceUserId })));
      const { membershipId, serviceUserId } = standings.find((s) => s.accountId === accountId)!;
      return {
        id: accountId,
        can: {
          ...facts(account, ["update", "delete"]),
          createCredential: credentialOf(membershipId, serviceUserId),
          seeInvitations: may("read", any(new Invitation())),
          seeIPRestrictions: may("read", any(new IPRestriction())),
          seeAllEvents: may("read", any(new Event())),
        },
        members: nodes(seen(Membership), (row) => ({
          can: {
            ...facts(row, ["updateRoles", "disable", "enable", "remove", "leave"]),
            createCredential: credentialOf(row.id, null),
          },
        })),
        serviceUsers: nodes(seen(ServiceUser), (row) => ({
          can: { createCredential: credentialOf(null, row.id) },
        })),
        credentials: nodes(seen(Credential), (row) => ({ can: facts(row, ["update", "revoke"]) })),
        invitations: nodes(seen(Invitation)),
        ipRestrictions: nodes(seen(IPRestriction)).nodes,
        events: nodes(seen(Event).reverse()),
      };
    },
    node(id: string) {
      const found = [...rows.values()].flat().filter((row) => row.id === id);
      const visible = found.some((row) =>
        OF_USERS.includes(row.constructor as Class<Row>)
          ? self.can("read", row) || isColleague(row)
          : may("read", row),
      );
      return visible ? { id } : null;
    },
    viewer: {
      can: { createAccount: self.can("create", new Account()) },
      memberships: { nodes: mine(Membership).map(({ id }) => ({ member: { id } })) },
      sessions: nodes(mine(Session)),
      events: nodes(mine(UserEvent).reverse()),
    },
  };
}

const rowsOf = (entity: Class<object>) => rows.get(entity as Class<Row>)!;

const nodes = (found: Row[], more: (row: Row) => object = () => ({})) => ({
  nodes: found.map((row) => ({ id: row.id, ...more(row) })),
});

function compile(): Reading {
  const document = parse(DOCUMENT);
  expect(validate(schema, document)).toEqual([]);
  const operation = document.definitions[0] as OperationDefinitionNode;
  return new Reading(schema, relations, db.table, document, operation);
}

it(`Y1: says of each row what CASL says, by ${RULE_SETS} sets of rules (seed ${SEED})`, async () => {
  const ids = callers.flatMap(({ principal, membershipIds }) => [principal.id, ...membershipIds]);
  const about = { rows, ids };
  const inAccount = aRule({
    ...about,
    entities: IN_ACCOUNTS,
    owns: ["accountId", "principalId", "membershipId", "serviceUserId"],
  });
  const ofOwn = aRule({
    ...about,
    entities: [...OF_USERS, Membership, Account],
    owns: ["principalId", "keyAccountId"],
  });
  const open = { action: ["read" as const], subject: "Account", conditions: {}, inverted: false };
  const set = fc.array(inAccount, { maxLength: 30, size: "max" }).map((more) => [open, ...more]);
  const kinds = [
    ...new Set(callers.flatMap(({ standings }) => standings.map(({ roles }) => key(roles)))),
  ];
  const length = kinds.length;
  const times = (minLength: number) => ({ minLength, maxLength: minLength });
  const everything = [...rows.values()].flat().map(({ id }) => id);
  const tally = { answers: 0, rows: 0, nodes: 0, yes: 0, no: 0 };

  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 0, 1, 2),
      fc.array(set, times(3)),
      // Which kind of roles has which of them: some have the same.
      fc.array(fc.nat(2), times(length)),
      fc.array(ofOwn, { maxLength: 12, size: "max" }),
      fc.array(fc.constantFrom(...everything), times(6)),
      async (who, sets, which, own, nodeIds) => {
        const byRoles = new Map(kinds.map((kind, i) => [kind, sets[which[i]!]!]));
        const caller = obey(callers[who]!, { byRoles, own });
        const says = oracle(caller, { byRoles, own });
        // Anew for each set: it keeps what it compiled for callers of a shape.
        const reading = compile();
        for (const [i, account] of caller.open.entries()) {
          const bound = reading.bind(caller, { account, node: nodeIds[i] });
          if (typeof bound === "string") throw new Error(bound);
          const [row] = await db.query<{ data: string }>(bound);
          const node = says.node(nodeIds[i]!);
          const wanted = { account: says.account(account), node, viewer: says.viewer };
          expect(JSON.parse(row!.data)).toEqual(wanted);
          const count = (text: RegExp) => row!.data.match(text)?.length ?? 0;
          tally.answers++;
          tally.rows += count(/"id"/g);
          tally.nodes += node ? 1 : 0;
          tally.yes += count(/true/g);
          tally.no += count(/false/g);
        }
      },
    ),
    { seed: SEED, numRuns: RULE_SETS },
  );
  // Of some 200 rows in each account and some 5 facts of each.
  expect(tally.rows / tally.answers).toBeGreaterThan(10);
  expect(tally.nodes).toBeGreaterThan(100);
  expect(Math.min(tally.yes, tally.no)).toBeGreaterThan(5_000);
}, 300_000);

describe("leaves to resolvers", () => {
  const [own, list] = [OWN.membershipId, [OWN.principalId]];
  it.each([
    ["own ids in a list", "read", Event, { principalId: { $in: list } }],
    ["own ids in a list that forbids", "read", Event, { principalId: { $nin: list } }],
    ["whatever is not the caller's own", "update", Credential, { membershipId: { $ne: own } }],
    ["what a row not yet made may hold", "create", Credential, { description: null }],
  ] as const)("%s", (_what, action, { name: subject }, conditions) => {
    const rules = [action, "read" as const].map((one) => ({
      ...{ action: [one], subject, inverted: false },
      conditions: one === action ? conditions : {},
    }));
    const [caller] = callers as [AdmittedCaller];
    const byRoles = new Map(caller.standings.map(({ roles }) => [key(roles), rules]));
    const bound = compile().bind(obey(caller, { byRoles, own: [] }), {
      account: caller.open[0],
      node: caller.open[0],
    });
    expect(bound).toMatch(/own id|only thought of/);
  });
});
