import { Event, PrincipalKind } from "../../src/entities/Event";
import { CredentialKind } from "../../src/entities/Credential";
import type { Membership } from "../../src/entities/Membership";
import { DeveloperRole, TeamRole } from "../../src/entities/roles";
import { firstIdAt, newId, type PREFIX } from "../../src/ids";
import { signOut } from "../../src/operations/sessions/signOut";
import { createAuthtoken } from "../../src/operations/credentials/createAuthtoken";
import { db, sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  anAuthenticator,
  anIdentity,
  ADMINISTRATOR,
  aCredential,
  aMember,
  anAccount,
  anInvitation,
  anIPRestriction,
  as,
  aServiceUser,
  aSession,
  asUser,
  aUser,
  DEVELOPER,
  INVITER,
  MANAGER,
  READER,
  refusalsIn,
  withToken,
} from "../support/factories";
import { type Sender, serve, type Served } from "../support/http";

let server: Served;

beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

async function signedIn({ userId }: { userId: string }): Promise<Sender> {
  return { token: (await aSession(userId)).token };
}

/** The data of an answer without errors. */
async function data<D>(
  sender: Sender,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<D> {
  const answer = await server.ask<D>(query, variables, sender);
  expect(answer.errors).toEqual([]);
  expect(answer.status).toBe(200);
  return answer.data!;
}

const GRAPH = `query Graph($id: ID!) {
  account(id: $id) {
    id name
    can { update delete createCredential }
    members(first: 9) { nodes {
      id status
      roles { administrator developer team billing }
      user { id name email }
      can { updateRoles disable enable remove leave createCredential }
      credentials(first: 9) { nodes { id kind description status lastFour owner { id name } can { update revoke } } }
    } }
    serviceUsers(first: 9) { nodes { id name developer can { createCredential } credentials(first: 9) { nodes { id } } } }
    credentials { nodes { id } }
    invitations { nodes { id email status roles { developer } inviter { id } } }
    ipRestrictions { surface enforced rules { position range effect description } }
    events { nodes { type principal { id subject surface } objectId object changes decision ip } }
  }
}`;

interface Graph {
  account: {
    can: Record<string, boolean>;
    members: { nodes: { id: string; can: Record<string, boolean>; credentials: Nodes<Shown> }[] };
    serviceUsers: Nodes<{ id: string; can: Record<string, boolean> }>;
    credentials: Nodes;
    invitations: Nodes;
    ipRestrictions: unknown[];
    events: Nodes<{ type: string; principal: { id: string } }>;
  };
}
interface Shown {
  id: string;
  can: { update: boolean; revoke: boolean };
}
interface Nodes<N = { id: string }> {
  nodes: N[];
}

/** An account with some of everything in it, and events of two of its members. */
async function aFullAccount() {
  const account = await anAccount({ name: "Acme" });
  const administrator = await aMember(account, ADMINISTRATOR);
  const developer = await aMember(account, DEVELOPER);
  const disabled = await aMember(account, READER, { disabledAt: new Date() });
  await aMember(account, READER, { removedAt: new Date() });
  const bot = await aServiceUser(account, { name: "deployer" });
  await aServiceUser(account, { name: "gone", deletedAt: new Date() });
  const adminsKey = (await aCredential(administrator, { description: "admin's" })).credential;
  const developersKey = (await aCredential(developer, { description: "developer's" })).credential;
  const botsKey = (await aCredential(bot)).credential;
  const invitation = await anInvitation(administrator, DEVELOPER);
  await anIPRestriction(account);
  await createAuthtoken(await as(administrator), account.id, { description: "one" });
  await createAuthtoken(await as(developer), account.id, { description: "two" });
  const keys = { adminsKey, developersKey, botsKey };
  return { account, administrator, developer, disabled, bot, invitation, ...keys };
}

async function graphFor(who: Sender, { id }: { id: string }): Promise<Graph["account"]> {
  return (await data<Graph>(who, GRAPH, { id })).account;
}

describe("the nested graph", () => {
  it("Y1: shows an administrator everything in the account", async () => {
    const all = await aFullAccount();
    const { account, administrator, developer, disabled, bot, invitation } = all;

    const graph = await graphFor(await signedIn(administrator), account);

    const [adminsToken] = (await sqlAsOwner<{ id: string }>(
      "select id from credentials where membership_id = $1 and kind = 'AUTHTOKEN'",
      [administrator.id],
    )) as [{ id: string }];
    expect(graph).toMatchObject({
      id: account.id,
      name: "Acme",
      can: { update: true, delete: true, createCredential: true },
      serviceUsers: {
        nodes: [{ id: bot.id, name: "deployer", credentials: { nodes: [{ id: all.botsKey.id }] } }],
      },
      invitations: {
        nodes: [
          {
            id: invitation.id,
            email: invitation.email,
            status: "PENDING",
            roles: { developer: "READ_WRITE" },
            inviter: { id: administrator.id },
          },
        ],
      },
      ipRestrictions: [
        {
          surface: "API",
          enforced: false,
          rules: [{ position: 1, range: "203.0.113.0/24", effect: "ALLOW", description: "Office" }],
        },
      ],
    });
    expect(graph.members.nodes).toMatchObject([
      {
        id: administrator.id,
        status: "ACTIVE",
        roles: {
          administrator: true,
          developer: "READ_ONLY",
          team: "READ_ONLY",
          billing: "NONE",
        },
        user: { id: administrator.userId, email: `${administrator.userId}@example.com` },
        credentials: {
          nodes: expect.arrayContaining([
            expect.objectContaining({
              id: all.adminsKey.id,
              kind: "API_KEY",
              description: "admin's",
              status: "ACTIVE",
              lastFour: all.adminsKey.lastFour,
              owner: expect.objectContaining({ id: administrator.userId }) as unknown,
            }),
            expect.objectContaining({ id: adminsToken.id, kind: "AUTHTOKEN" }),
          ]) as unknown,
        },
      },
      { id: developer.id, status: "ACTIVE" },
      { id: disabled.id, status: "DISABLED", roles: { developer: "READ_ONLY" } },
    ]);
    expect(graph.credentials.nodes).toHaveLength(5);
    // E4: newest first.
    expect(graph.events.nodes).toMatchObject([
      { type: "authtoken_created.v1", principal: { id: developer.userId, surface: "DASHBOARD" } },
      {
        type: "authtoken_created.v1",
        principal: { id: administrator.userId },
        decision: { rule: expect.stringMatching(/^Administrators .+\.$/) as unknown },
        ip: "192.0.2.7",
      },
    ]);
  });

  it("Y1, Y5: shows a developer the people and credentials, but of what happened their own doing alone", async () => {
    const all = await aFullAccount();
    const { account, administrator, developer, disabled, bot } = all;

    const graph = await graphFor(await signedIn(developer), account);

    expect(graph.members.nodes.map(({ id }) => id)).toEqual([
      administrator.id,
      developer.id,
      disabled.id,
    ]);
    expect(graph.credentials.nodes).toHaveLength(5);
    expect(graph.events.nodes.map(({ principal }) => principal.id)).toEqual([developer.userId]);
    expect(graph.ipRestrictions).toEqual([]);
    expect(graph.invitations.nodes).toEqual([]);

    expect(graph.can).toEqual({
      update: false,
      delete: false,
      createCredential: true,
    });
    const none = { updateRoles: false, disable: false, enable: false, remove: false };
    expect(graph.members.nodes.map(({ can }) => can)).toEqual([
      { ...none, leave: false, createCredential: false },
      { ...none, leave: true, createCredential: true },
      { ...none, leave: false, createCredential: false },
    ]);
    expect(graph.serviceUsers.nodes.map(({ id, can }) => [id, can])).toEqual([
      [bot.id, { createCredential: false }],
    ]);
    // C11: not those of an administrator.
    const [admins, own] = graph.members.nodes.map(({ credentials }) => credentials.nodes);
    expect(admins!.map(({ can }) => can)).toEqual(
      admins!.map(() => ({ update: false, revoke: false })),
    );
    expect(own!.map(({ can }) => can)).toEqual(own!.map(() => ({ update: true, revoke: true })));
    expect([admins!.length, own!.length]).toEqual([2, 2]);
    // Looking is no try: nothing of it is recorded as refused.
    expect(await refusalsIn(account)).toEqual([]);
  });

  it("Y1: shows whoever may invite the invitations, and a team manager all events", async () => {
    const { account, administrator, developer, invitation } = await aFullAccount();
    const inviter = await graphFor(await signedIn(await aMember(account, INVITER)), account);
    const manager = await graphFor(await signedIn(await aMember(account, MANAGER)), account);

    expect(inviter.invitations.nodes).toMatchObject([{ id: invitation.id }]);
    expect(inviter.events.nodes).toEqual([]);
    expect(inviter.ipRestrictions).toEqual([]);
    expect(manager.invitations.nodes).toMatchObject([{ id: invitation.id }]);
    expect(manager.events.nodes.map(({ principal }) => principal.id)).toEqual([
      developer.userId,
      administrator.userId,
    ]);
    expect(manager.ipRestrictions).toEqual([]);
  });

  it("Y5, M3: says of a team manager that they manage whoever is no administrator", async () => {
    const { account, administrator, developer } = await aFullAccount();
    const manager = await aMember(account, MANAGER);

    const { members } = await graphFor(await signedIn(manager), account);

    const can = (of: Membership) => members.nodes.find(({ id }) => id === of.id)!.can;
    const manage = (is: boolean) => ({ updateRoles: is, disable: is, enable: is, remove: is });
    expect(can(administrator)).toMatchObject(manage(false));
    expect(can(developer)).toMatchObject(manage(true));
    expect(can(manager)).toMatchObject({ ...manage(true), leave: true, createCredential: false });
  });

  it("Y5, S1: shows a service user what a developer may do, and no way to leave", async () => {
    const { account, bot, developersKey, adminsKey } = await aFullAccount();

    const graph = await graphFor({ token: (await aCredential(bot)).secret }, account);

    expect(graph.can).toMatchObject({ update: false, createCredential: true });
    expect(graph.members.nodes.map(({ can }) => can["leave"])).toEqual([false, false, false]);
    expect(graph.serviceUsers.nodes).toMatchObject([{ can: { createCredential: true } }]);
    const shown = graph.members.nodes.flatMap(({ credentials }) => credentials.nodes);
    const may = (id: string) => shown.find((one) => one.id === id)!.can.revoke;
    expect([may(developersKey.id), may(adminsKey.id)]).toEqual([true, false]);
  });

  it("M4, C10: tells why a credential can't be used", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const disabled = await aMember(account, DEVELOPER, { disabledAt: new Date() });
    const past = new Date(Date.now() - 1000);
    await aCredential(admin, { description: "fine" });
    await aCredential(admin, { description: "expired", expiresAt: past });
    await aCredential(admin, { description: "revoked", revokedAt: past, expiresAt: past });
    await aCredential(disabled, { description: "disabled" });
    await aCredential(disabled, { description: "both", revokedAt: past });

    const { account: graph } = await data<{
      account: { credentials: Nodes<{ description: string; status: string }> };
    }>(
      await signedIn(admin),
      `query ($id: ID!) { account(id: $id) { credentials { nodes { description status } } } }`,
      { id: account.id },
    );

    expect(graph.credentials.nodes).toEqual([
      { description: "fine", status: "ACTIVE" },
      { description: "expired", status: "EXPIRED" },
      { description: "revoked", status: "REVOKED" },
      { description: "disabled", status: "OWNER_DISABLED" },
      { description: "both", status: "REVOKED" },
    ]);
  });

  it("M5: names no owner and no inviter who has left", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const gone = await aMember(account, ADMINISTRATOR, { removedAt: new Date() });
    await aCredential(gone, { revokedAt: new Date() });
    await anInvitation(gone);

    expect(
      await data(
        await signedIn(admin),
        `query ($id: ID!) { account(id: $id) {
          credentials { nodes { owner { id } status } } invitations { nodes { inviter { id } } } } }`,
        { id: account.id },
      ),
    ).toEqual({
      account: {
        credentials: { nodes: [{ owner: null, status: "REVOKED" }] },
        invitations: { nodes: [{ inviter: null }] },
      },
    });
  });
});

/** An event as if it had happened at this moment. */
async function anEvent(account: { id: string }, at: Date, fields: Partial<Event> = {}) {
  const event = Object.assign(new Event(), {
    accountId: account.id,
    id: firstIdAt("Event", at),
    type: "account_updated.v1",
    occurredAt: at,
    principalKind: PrincipalKind.USER,
    principalId: newId("User"),
    principalSubject: "someone@example.com",
    surface: null,
    credentialId: null,
    sessionId: null,
    objectId: account.id,
    object: {},
    changes: {},
    decision: { action: "update", allowed: true, rule: null, roles: [], methods: [] },
    ip: null,
    userAgent: null,
    requestId: null,
    ...fields,
  });
  await db.query(db.table(Event).insertion([event]));
  return event;
}

interface PageShown {
  nodes: { id: string }[];
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: {
    hasPreviousPage: boolean;
    hasNextPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

const PAGE = `{ nodes { id } edges { cursor node { id } }
  pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }`;
const COUNT = 21;

describe("connections", () => {
  /** Walks a connection to its end and back, and returns the ids of each page. */
  async function walk(
    who: Sender,
    at: (args: string) => string,
    find: (data: never) => PageShown,
    args: string,
  ): Promise<string[][]> {
    const ask = async (part: string) => {
      const { nodes, edges, pageInfo } = find(
        await data<never>(who, at(`(${part}${args})${PAGE}`)),
      );
      const ids = nodes.map(({ id }) => id);
      expect(edges).toEqual(ids.map((id) => ({ cursor: id, node: { id } })));
      expect(pageInfo.startCursor).toBe(ids[0] ?? null);
      expect(pageInfo.endCursor).toBe(ids.at(-1) ?? null);
      return { ids, ...pageInfo };
    };
    const pages: string[][] = [];
    for (let after: string | null = null; ;) {
      const page = await ask(`first: 7${after ? `, after: "${after}"` : ""}`);
      expect(page.hasPreviousPage).toBe(after !== null);
      pages.push(page.ids);
      if (!page.hasNextPage) break;
      after = page.endCursor;
    }
    const back: string[][] = [];
    for (let before: string | null = null; ;) {
      const page = await ask(`last: 7${before ? `, before: "${before}"` : ""}`);
      expect(page.hasNextPage).toBe(before !== null);
      back.unshift(page.ids);
      if (!page.hasPreviousPage) break;
      before = page.startCursor;
    }
    expect(back.flat()).toEqual(pages.flat());
    for (const page of back.slice(1)) expect(page).toHaveLength(7);
    return pages;
  }

  interface Listed {
    who: Sender;
    at: (args: string) => string;
    find: (data: never) => PageShown;
    expected: string[];
  }

  /** A connection of the account, with so many rows that only others may not see. */
  type Prepare = () => Promise<Listed>;

  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id).sort();

  async function inAccount(
    field: string,
    make: (all: Awaited<ReturnType<typeof anAccountWith>>, i: number) => Promise<unknown>,
    table: string,
    where = "true",
  ): Promise<Listed> {
    const all = await anAccountWith();
    for (let i = 0; i < COUNT; i++) await make(all, i);
    const rows = await sqlAsOwner<{ id: string }>(
      `select id from ${table} where account_id = $1 and ${where}`,
      [all.account.id],
    );
    return {
      who: await signedIn(all.admin),
      at: (args) => `{ account(id: "${all.account.id}") { list: ${field}${args} } }`,
      find: (data: { account: { list: PageShown } }) => data.account.list,
      expected: ids(rows),
    };
  }

  async function anAccountWith() {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const bot = await aServiceUser(account);
    return { account, admin, bot };
  }

  const ORDERED: [string, Prepare][] = [
    [
      "Account.members",
      () =>
        inAccount(
          "members",
          ({ account }, i) =>
            aMember(account, READER, { removedAt: i % 5 === 0 ? new Date() : null }),
          "memberships",
          "removed_at is null",
        ),
    ],
    [
      "Account.serviceUsers",
      () =>
        inAccount(
          "serviceUsers",
          ({ account }, i) => aServiceUser(account, { deletedAt: i % 5 === 0 ? new Date() : null }),
          "service_users",
          "deleted_at is null",
        ),
    ],
    [
      "Account.credentials",
      () =>
        inAccount(
          "credentials",
          ({ admin, bot }, i) =>
            aCredential(i % 2 ? admin : bot, {
              kind: i % 3 ? CredentialKind.API_KEY : CredentialKind.AUTHTOKEN,
            }),
          "credentials",
        ),
    ],
    [
      "Account.invitations",
      () => inAccount("invitations", ({ admin }) => anInvitation(admin), "invitations"),
    ],
    [
      "Account.events",
      () =>
        inAccount(
          "events",
          ({ account }, i) => anEvent(account, new Date(Date.now() + i)),
          "events",
        ),
    ],
    [
      "Member.credentials",
      async () => {
        const { account, admin, bot } = await anAccountWith();
        const made: { id: string }[] = [];
        for (let i = 0; i < COUNT; i++) made.push((await aCredential(admin)).credential);
        await aCredential(bot);
        await aCredential(await aMember(account, READER));
        return {
          who: await signedIn(admin),
          at: (args) =>
            `{ node(id: "${admin.id}") { ... on Member { list: credentials${args} } } }`,
          find: (data: { node: { list: PageShown } }) => data.node.list,
          expected: ids(made),
        };
      },
    ],
    [
      "ServiceUser.credentials",
      async () => {
        const { admin, bot } = await anAccountWith();
        const made: { id: string }[] = [];
        for (let i = 0; i < COUNT; i++) made.push((await aCredential(bot)).credential);
        await aCredential(admin);
        return {
          who: await signedIn(admin),
          at: (args) =>
            `{ node(id: "${bot.id}") { ... on ServiceUser { list: credentials${args} } } }`,
          find: (data: { node: { list: PageShown } }) => data.node.list,
          expected: ids(made),
        };
      },
    ],
  ];

  const VIEWERS: [string, Prepare][] = [
    [
      "Viewer.memberships",
      async () => {
        const user = await aUser();
        const made: { id: string }[] = [];
        for (let i = 0; i < COUNT; i++) {
          const account = await anAccount({ deletedAt: i % 5 === 0 ? new Date() : null });
          const member = await aMember(account, READER, {
            userId: user.id,
            disabledAt: i % 3 === 0 ? new Date() : null,
          });
          if (!account.deletedAt) made.push(member);
        }
        return {
          who: await signedIn({ userId: user.id }),
          at: (args) =>
            `{ viewer { list: memberships${args.replaceAll("{ id }", "{ member { id } }")} } }`,
          find: (data: { viewer: { list: MembershipsShown } }) => flat(data.viewer.list),
          expected: ids(made),
        };
      },
    ],
    [
      "Viewer.sessions",
      async () => {
        const user = await aUser();
        const made: { id: string }[] = [];
        for (let i = 0; i < COUNT; i++) made.push(await aSession(user.id));
        const over = await aSession(user.id);
        await sqlAsOwner("update sessions set ended_at = now() where id = $1", [over.id]);
        const { id, token } = await aSession(user.id);
        return {
          who: { token },
          at: (args) => `{ viewer { list: sessions${args} } }`,
          find: (data: { viewer: { list: PageShown } }) => data.viewer.list,
          expected: ids([...made, { id }]),
        };
      },
    ],
  ];

  interface MembershipsShown extends Omit<PageShown, "nodes" | "edges"> {
    nodes: { member: { id: string } }[];
    edges: { cursor: string; node: { member: { id: string } } }[];
  }
  const flat = ({ nodes, edges, pageInfo }: MembershipsShown): PageShown => ({
    nodes: nodes.map(({ member }) => member),
    edges: edges.map(({ cursor, node }) => ({ cursor, node: node.member })),
    pageInfo,
  });

  it.each(ORDERED)(
    "%s has no gaps and no duplicates, from either end and back",
    async (_name, prepare) => {
      const { who, at, find, expected } = await prepare();
      expect(expected.length).toBeGreaterThan(14);

      const oldest = await walk(who, at, find, ", order: OLDEST_FIRST");
      const newest = await walk(who, at, find, ", order: NEWEST_FIRST");

      expect(oldest.flat()).toEqual(expected);
      expect(newest.flat()).toEqual([...expected].reverse());
      for (const page of [...oldest.slice(0, -1), ...newest.slice(0, -1)])
        expect(page).toHaveLength(7);
      expect(oldest.at(-1)).not.toEqual([]);
    },
  );

  it.each(VIEWERS)(
    "%s has no gaps and no duplicates, to the end and back",
    async (_name, prepare) => {
      const { who, at, find, expected } = await prepare();
      expect(expected.length).toBeGreaterThan(14);
      expect((await walk(who, at, find, "")).flat()).toEqual(expected);
    },
  );

  it("E5: Viewer.events has no gaps and no duplicates, newest first", async () => {
    const user = await aUser();
    for (let i = 0; i < 16; i++) await signOut(await asUser(user));
    const { token } = await aSession(user.id);

    const pages = await walk(
      { token },
      (args) => `{ viewer { list: events${args} } }`,
      (data: { viewer: { list: PageShown } }) => data.viewer.list,
      "",
    );

    const rows = await sqlAsOwner<{ id: string }>("select id from user_events where user_id = $1", [
      user.id,
    ]);
    expect(rows).toHaveLength(16);
    expect(pages.flat()).toEqual(ids(rows).reverse());
  });

  it("keeps its place while rows come and go: a cursor is no offset", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const members = [admin];
    for (let i = 0; i < 10; i++) members.push(await aMember(account));
    const who = await signedIn(admin);
    const page = async (after: string | null) =>
      (
        await data<{ account: { members: PageShown } }>(
          who,
          `query ($id: ID!, $after: ID) { account(id: $id) { members(first: 4, after: $after) ${PAGE} } }`,
          { id: account.id, after },
        )
      ).account.members;

    const first = await page(null);
    const cursor = first.pageInfo.endCursor;
    // The row of the cursor goes, and one before it.
    await sqlAsOwner("update memberships set removed_at = now() where id = any($1)", [
      [cursor, members[1]!.id],
    ]);
    const newcomer = await aMember(account);
    const rest = [...(await page(cursor)).nodes, ...(await page(members[7]!.id)).nodes];

    expect([...first.nodes, ...rest].map(({ id }) => id)).toEqual([
      ...members.map(({ id }) => id),
      newcomer.id,
    ]);
  });

  it("says that nothing follows exactly where nothing follows", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    for (let i = 0; i < 3; i++) await aMember(account);
    const who = await signedIn(admin);
    const follows = async (first: number) => {
      const query = `query ($id: ID!, $first: Int!) { account(id: $id) { members(first: $first) { nodes { id } pageInfo { hasNextPage } } } }`;
      const { account: shown } = await data<{ account: { members: PageShown } }>(who, query, {
        id: account.id,
        first,
      });
      return [shown.members.nodes.length, shown.members.pageInfo.hasNextPage];
    };
    expect([await follows(3), await follows(4), await follows(5), await follows(100)]).toEqual([
      [3, true],
      [4, false],
      [4, false],
      [4, false],
    ]);
  });
});

describe("filters", () => {
  async function list(
    who: Sender,
    { id }: { id: string },
    field: string,
    type: string,
    filter: Record<string, unknown>,
  ): Promise<string[]> {
    const query = `query ($id: ID!, $filter: ${type}) {
      account(id: $id) { ${field}(first: 100, filter: $filter) { nodes { id } } } }`;
    const { account } = await data<{ account: Record<string, Nodes> }>(who, query, { id, filter });
    return account[field]!.nodes.map((node) => node.id);
  }

  it("finds members by status, roles and part of their name or email", async () => {
    const account = await anAccount();
    const ann = await aMember(account, ADMINISTRATOR, {
      userId: (await aUser({ name: "Ann Oyelaran", email: "ann@filters.example" })).id,
    });
    const ben = await aMember(account, DEVELOPER, {
      userId: (await aUser({ name: "BEN 100%", email: "b_1@filters.example" })).id,
    });
    const chloe = await aMember(account, MANAGER, {
      disabledAt: new Date(),
      userId: (await aUser({ name: "CHLOÉ Çelik", email: "chloe@filters.example" })).id,
    });
    const dev = { developer: DeveloperRole.READ_WRITE, team: TeamRole.MANAGER };
    const dan = await aMember(account, dev, {
      userId: (await aUser({ name: "Dan", email: "dan@other.example" })).id,
    });
    const who = await signedIn(ann);
    const find = (filter: Record<string, unknown>) =>
      list(who, account, "members", "MemberFilter", filter);

    expect(await find({})).toEqual([ann.id, ben.id, chloe.id, dan.id]);
    expect(await find({ status: null, roles: null, text: null })).toHaveLength(4);
    expect(await find({ status: "ACTIVE" })).toEqual([ann.id, ben.id, dan.id]);
    expect(await find({ status: "DISABLED" })).toEqual([chloe.id]);
    expect(await find({ roles: { administrator: true } })).toEqual([ann.id]);
    expect(await find({ roles: { administrator: false } })).toEqual([ben.id, chloe.id, dan.id]);
    expect(await find({ roles: { developer: "READ_WRITE" } })).toEqual([ben.id, dan.id]);
    expect(await find({ roles: { developer: "READ_WRITE", team: "MANAGER" } })).toEqual([dan.id]);
    expect(await find({ roles: { billing: "ACCESS" } })).toEqual([]);
    expect(await find({ text: "oyel" })).toEqual([ann.id]);
    expect(await find({ text: "  ben " })).toEqual([ben.id]);
    expect(await find({ text: "@FILTERS.example" })).toEqual([ann.id, ben.id, chloe.id]);
    expect(await find({ text: "@filters", status: "DISABLED" })).toEqual([chloe.id]);
    // Nothing in it is a pattern.
    expect(await find({ text: "100%" })).toEqual([ben.id]);
    expect(await find({ text: "%" })).toEqual([ben.id]);
    expect(await find({ text: "_" })).toEqual([ben.id]);
    expect(await find({ text: "\\" })).toEqual([]);
    expect(await find({ text: "' or true --" })).toEqual([]);
    expect(await find({ text: "   " })).toHaveLength(4);
  });

  it("finds members by part of their name whatever its case, beyond ASCII too", async () => {
    const account = await anAccount();
    const chloe = await aMember(account, ADMINISTRATOR, {
      userId: (await aUser({ name: "CHLOÉ ÇELIK" })).id,
    });
    const who = await signedIn(chloe);
    for (const text of ["CHLOÉ", "chloé", "çelik", "ÇELIK"]) {
      const found = await list(who, account, "members", "MemberFilter", { text });
      expect([text, found]).toEqual([text, [chloe.id]]);
    }
  });

  it("finds credentials by kind, owner and whether they are revoked", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const bot = await aServiceUser(account);
    const key = (await aCredential(admin)).credential;
    const token = (await aCredential(admin, { kind: CredentialKind.AUTHTOKEN })).credential;
    const gone = (await aCredential(admin, { revokedAt: new Date() })).credential;
    const its = (await aCredential(bot)).credential;
    const who = await signedIn(admin);
    const find = async (filter: Record<string, unknown>) =>
      (await list(who, account, "credentials", "CredentialFilter", filter)).sort();
    const ids = (...rows: { id: string }[]) => rows.map(({ id }) => id).sort();

    expect(await find({})).toEqual(ids(key, token, gone, its));
    expect(await find({ kind: "API_KEY" })).toEqual(ids(key, gone, its));
    expect(await find({ kind: "AUTHTOKEN" })).toEqual(ids(token));
    expect(await find({ ownerId: admin.id })).toEqual(ids(key, token, gone));
    expect(await find({ ownerId: bot.id })).toEqual(ids(its));
    expect(await find({ ownerId: admin.userId })).toEqual([]);
    expect(await find({ revoked: true })).toEqual(ids(gone));
    expect(await find({ revoked: false })).toEqual(ids(key, token, its));
    expect(await find({ revoked: false, kind: "API_KEY", ownerId: admin.id })).toEqual(ids(key));
  });

  it("E4: finds events by type, principal, object, address and time", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const start = Date.parse("2026-01-15T12:00:00.000Z");
    const at = (minutes: number) => new Date(start + minutes * 60_000);
    const a = await anEvent(account, at(0), {
      type: "member_disabled.v1",
      objectId: member.id,
      principalId: admin.userId,
      ip: "203.0.113.9",
    });
    const b = await anEvent(account, at(10), { type: "member_enabled.v1", objectId: member.id });
    const c = await anEvent(account, at(20), { principalId: admin.userId, ip: "2001:db8::7" });
    const d = await anEvent(account, at(30), { ip: "203.0.113.77" });
    const who = await signedIn(admin);
    const find = (filter: Record<string, unknown>) =>
      list(who, account, "events", "EventFilter", filter);

    expect(await find({})).toEqual([d.id, c.id, b.id, a.id]);
    expect(await find({ types: ["member_disabled.v1"] })).toEqual([a.id]);
    expect(await find({ types: ["member_disabled.v1", "member_enabled.v1"] })).toEqual([
      b.id,
      a.id,
    ]);
    expect(await find({ types: [] })).toEqual([]);
    expect(await find({ types: ["member_disabled.v2"] })).toEqual([]);
    expect(await find({ principalId: admin.userId })).toEqual([c.id, a.id]);
    expect(await find({ objectId: member.id })).toEqual([b.id, a.id]);
    expect(await find({ objectId: member.id, principalId: admin.userId })).toEqual([a.id]);
    expect(await find({ ip: "203.0.113.9" })).toEqual([a.id]);
    expect(await find({ ip: "203.0.113.0/24" })).toEqual([d.id, a.id]);
    expect(await find({ ip: "::ffff:203.0.113.9" })).toEqual([a.id]);
    expect(await find({ ip: "203.0.113.64/26" })).toEqual([d.id]);
    expect(await find({ ip: "2001:DB8::/64" })).toEqual([c.id]);
    expect(await find({ ip: "2001:DB8::/120" })).toEqual([c.id]);
    expect(await find({ ip: "2001:DB8::7" })).toEqual([c.id]);
    // From a moment on, and before one.
    expect(await find({ from: at(10) })).toEqual([d.id, c.id, b.id]);
    expect(await find({ from: new Date(at(10).getTime() + 1) })).toEqual([d.id, c.id]);
    expect(await find({ until: at(10) })).toEqual([a.id]);
    expect(await find({ from: at(10), until: at(30) })).toEqual([c.id, b.id]);
    expect(await find({ from: at(30), until: at(10) })).toEqual([]);
    expect(await find({ from: "2026-01-15T13:10:00+01:00" })).toEqual([d.id, c.id, b.id]);
    expect(await find({ from: "0001-01-01T00:00:00Z", until: "9999-12-31T23:59:59Z" })).toEqual([
      d.id,
      c.id,
      b.id,
      a.id,
    ]);
  });

  it.each([
    "0.0.0.0/0",
    "10.0.0.0/23",
    "2001:db8::/63",
    "10.0.0.0/33",
    "010.0.0.1",
    "0x0a000001",
    "10.0.0",
    "fe80::1%eth0",
    "here",
    "",
  ])("R5: refuses %j as an address to filter by", async (ip) => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const answer = await server.ask(
      `query ($id: ID!, $ip: String) { account(id: $id) { events(filter: { ip: $ip }) { nodes { id } } } }`,
      { id: account.id, ip },
      await signedIn(admin),
    );
    expect(answer.codes).toEqual(["BAD_USER_INPUT"]);
    expect(answer.errors[0]!.extensions).toMatchObject({ field: ["filter", "ip"] });
    expect(answer.data).toEqual({ account: null });
  });
});

describe("node", () => {
  const NODE = `query ($id: ID!) { node(id: $id) { __typename id } }`;
  type Found = Exclude<keyof typeof PREFIX, "OneTimeToken">;
  const TYPES: Record<Found, string> = {
    User: "User",
    Session: "Session",
    Authenticator: "Authenticator",
    Identity: "Identity",
    Account: "Account",
    Membership: "Member",
    ServiceUser: "ServiceUser",
    Authtoken: "Authtoken",
    ApiKey: "ApiKey",
    Invitation: "Invitation",
    IPRestriction: "IPRestriction",
    Event: "Event",
  };

  it("finds every kind of thing by its ID", async () => {
    const all = await aFullAccount();
    const { account, administrator, developer, bot } = all;
    const session = await aSession(administrator.userId);
    const idOf = async (table: string, where = "true") => {
      const rows = await sqlAsOwner<{ id: string }>(
        `select id from ${table} where account_id = $1 and ${where} order by id limit 1`,
        [account.id],
      );
      return rows[0]!.id;
    };
    const ids: Record<Found, string> = {
      User: developer.userId,
      Session: session.id,
      Authenticator: (await anAuthenticator(administrator.userId)).authenticator.id,
      Identity: (await anIdentity(administrator.userId)).id,
      Account: account.id,
      Membership: developer.id,
      ServiceUser: bot.id,
      Authtoken: await idOf("credentials", "kind = 'AUTHTOKEN'"),
      ApiKey: all.botsKey.id,
      Invitation: all.invitation.id,
      IPRestriction: await idOf("ip_restrictions"),
      Event: await idOf("events"),
    };
    for (const [kind, id] of Object.entries(ids)) {
      const answer = await server.ask(NODE, { id }, { token: session.token });
      const type = TYPES[kind as Found];
      expect([kind, answer.data, answer.errors]).toEqual([
        kind,
        { node: { __typename: type, id } },
        [],
      ]);
    }
  });

  it("finds an event of one's own that belongs to no account", async () => {
    const user = await aUser();
    await signOut(await asUser(user));
    const [{ id }] = (await sqlAsOwner<{ id: string }>(
      "select id from user_events where user_id = $1",
      [user.id],
    )) as [{ id: string }];
    const who = await signedIn({ userId: user.id });
    expect(await data(who, NODE, { id })).toEqual({ node: { __typename: "UserEvent", id } });
    expect(await data(await signedIn({ userId: (await aUser()).id }), NODE, { id })).toEqual({
      node: null,
    });
  });

  it("Y3: finds no more by its ID than lists show", async () => {
    const { account, administrator, developer, invitation } = await aFullAccount();
    const who = await signedIn(developer);
    const [restriction] = await sqlAsOwner<{ id: string }>(
      "select id from ip_restrictions where account_id = $1",
      [account.id],
    );
    const [event] = await sqlAsOwner<{ id: string }>(
      "select id from events where account_id = $1 and principal_id = $2",
      [account.id, administrator.userId],
    );
    const session = await aSession(administrator.userId);
    const removed = await aMember(account, READER, { removedAt: new Date() });
    const deleted = await aServiceUser(account, { deletedAt: new Date() });
    const hidden = [invitation, restriction!, event!, session, removed, deleted];
    for (const id of [...hidden.map((one) => one.id), removed.userId]) {
      expect(await data(who, NODE, { id })).toEqual({ node: null });
    }
  });

  it("Y3: answers null for whatever is no ID", async () => {
    const { administrator } = await aFullAccount();
    const who = await signedIn(administrator);
    for (const id of [
      "",
      "x",
      "ac_",
      "_",
      "ac_zzz",
      "AC_00000000000000000000000000",
      "ev_' or 1",
      "constructor_x",
    ]) {
      expect([id, await data(who, NODE, { id })]).toEqual([id, { node: null }]);
    }
  });

  it("account(id:) takes an account's ID and no other", async () => {
    const { account, administrator } = await aFullAccount();
    const who = await signedIn(administrator);
    const ACCOUNT = `query ($id: ID!) { account(id: $id) { id } }`;
    expect(await data(who, ACCOUNT, { id: account.id })).toEqual({ account: { id: account.id } });
    expect(await data(who, ACCOUNT, { id: administrator.id })).toEqual({ account: null });
  });
});

describe("viewer", () => {
  const VIEWER = `{ viewer {
    principal { __typename id name ... on User { email } }
    surface
    session { id current }
    credential { id }
    language
    memberships { nodes { accountName member { id } account { id } access { granted code message } } }
    sessions { nodes { id current } }
    events { nodes { id } }
    can { createAccount }
  } }`;

  it("U9: tells a session who it is, and of everything of its user's own", async () => {
    const account = await anAccount({ name: "First" });
    const other = await anAccount({ name: "Second" });
    const user = await aUser({ name: "Ann", language: "de" });
    const member = await aMember(account, READER, { userId: user.id });
    const admin = await aMember(other, ADMINISTRATOR, { userId: user.id });
    const elsewhere = await aSession(user.id);
    const { id, token } = await aSession(user.id);

    const granted = { granted: true, code: null, message: null };
    expect(await data({ token }, VIEWER)).toEqual({
      viewer: {
        principal: { __typename: "User", id: user.id, name: "Ann", email: user.email },
        surface: "DASHBOARD",
        session: { id, current: true },
        credential: null,
        language: "de",
        memberships: {
          nodes: [
            {
              accountName: "First",
              member: { id: member.id },
              account: { id: account.id },
              access: granted,
            },
            {
              accountName: "Second",
              member: { id: admin.id },
              account: { id: other.id },
              access: granted,
            },
          ],
        },
        sessions: {
          nodes: [
            { id: elsewhere.id, current: false },
            { id, current: true },
          ],
        },
        events: { nodes: [] },
        can: { createAccount: true },
      },
    });
  });

  it("C7: tells an API key of its own account, and of nothing that takes a session", async () => {
    const account = await anAccount({ name: "First" });
    const user = await aUser();
    const member = await aMember(account, ADMINISTRATOR, { userId: user.id });
    await aMember(await anAccount({ name: "Second" }), ADMINISTRATOR, { userId: user.id });
    await signOut(await asUser(user));
    await aSession(user.id);
    const { credential, secret } = await aCredential(member);

    expect(await data({ token: secret }, VIEWER)).toMatchObject({
      viewer: {
        principal: { __typename: "User", id: user.id },
        surface: "API",
        session: null,
        credential: { id: credential.id },
        language: null,
        memberships: { nodes: [{ accountName: "First", member: { id: member.id } }] },
        sessions: { nodes: [] },
        events: { nodes: [] },
        can: { createAccount: false },
      },
    });
  });

  it("S2: tells a service user that it is one, with nothing of its own", async () => {
    const account = await anAccount();
    await aMember(account, ADMINISTRATOR);
    const bot = await aServiceUser(account, { name: "deployer" });
    const { credential, secret } = await aCredential(bot);

    expect(await data({ token: secret }, VIEWER)).toEqual({
      viewer: {
        principal: { __typename: "ServiceUser", id: bot.id, name: "deployer" },
        surface: "API",
        session: null,
        credential: { id: credential.id },
        language: null,
        memberships: { nodes: [] },
        sessions: { nodes: [] },
        events: { nodes: [] },
        can: { createAccount: false },
      },
    });
  });

  it("tells nobody that they are nobody", async () => {
    const answer = await server.ask(VIEWER);
    expect(answer.codes).toEqual(["UNAUTHENTICATED"]);
    expect(answer.data).toEqual({ viewer: null });
  });

  it("U1: tells a user with an unverified email that they may not create an account", async () => {
    const user = await aUser({ emailVerifiedAt: null });
    expect(
      await data(await signedIn({ userId: user.id }), `{ viewer { can { createAccount } } }`),
    ).toEqual({
      viewer: { can: { createAccount: false } },
    });
  });

  it("M2, M4: shows a disabled membership with the reason, and the account to nobody in it", async () => {
    const user = await aUser();
    const fine = await anAccount({ name: "Fine" });
    const shut = await anAccount({ name: "Shut" });
    await aMember(fine, READER, { userId: user.id });
    await aMember(shut, ADMINISTRATOR, { userId: user.id, disabledAt: new Date() });
    const who = await signedIn({ userId: user.id });

    expect(
      await data(
        who,
        `{ viewer { memberships { nodes {
          accountName account { id name } access { granted code message } member { status }
        } } } }`,
      ),
    ).toEqual({
      viewer: {
        memberships: {
          nodes: [
            {
              accountName: "Fine",
              account: { id: fine.id, name: "Fine" },
              access: { granted: true, code: null, message: null },
              member: { status: "ACTIVE" },
            },
            {
              accountName: "Shut",
              account: null,
              access: {
                granted: false,
                code: "MEMBER_DISABLED",
                message: expect.stringMatching(/disabled.+administrators/) as unknown,
              },
              member: { status: "DISABLED" },
            },
          ],
        },
      },
    });
    // Looking at one's own list is no try to get in.
    expect(await refusalsIn(shut)).toEqual([]);
  });

  it("M2, M4: keeps a disabled membership from spoiling what is shown of the others", async () => {
    const user = await aUser();
    const fine = await aMember(await anAccount(), READER, { userId: user.id });
    const shut = await aMember(await anAccount(), READER, {
      userId: user.id,
      disabledAt: new Date(),
    });
    const answer = await server.ask<{
      viewer: { memberships: { nodes: { member: { id: string } | null }[] } } | null;
    }>(
      `{ viewer { memberships(first: 5) { nodes { member { id credentials(first: 5) { nodes { id } } can { leave } } } } } }`,
      {},
      await signedIn({ userId: user.id }),
    );
    const shown = answer.data?.viewer?.memberships.nodes.map(({ member }) => member?.id ?? null);
    expect(shown).toContain(fine.id);
    expect(answer.codes.every((code) => code === "MEMBER_DISABLED")).toBe(true);
    expect(shut.id).toBeDefined();
  });
});

describe("the number of statements", () => {
  async function count(who: Sender, query: string, variables: Record<string, unknown> = {}) {
    await data(who, query, variables);
    statements.length = 0;
    const text = JSON.stringify(await data(who, query, variables));
    return { asked: statements.length, text };
  }

  const NESTED = `query ($id: ID!) { account(id: $id) {
    can { update }
    members(first: 40) { nodes {
      user { name email } can { disable remove createCredential }
      credentials(first: 5) { nodes { id status owner { id name } can { update revoke } } }
    } }
  } }`;

  /** Branches that meet in the same rows: how many batches they share depends on who is first. */
  const WIDE = `query ($id: ID!) { account(id: $id) {
    members(first: 40) { nodes { user { name } credentials(first: 3) { nodes { owner { id } } } } }
    serviceUsers(first: 5) { nodes { can { createCredential } credentials(first: 3) { nodes { id status } } } }
    invitations(first: 5) { nodes { inviter { id user { name } } } }
    ipRestrictions { rules { range } }
    events(first: 5) { nodes { type } }
  } }`;

  async function anAccountOf(members: number) {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    for (let i = 1; i < members; i++) {
      const member = await aMember(account, DEVELOPER);
      await aCredential(member);
      await aCredential(member, { kind: CredentialKind.AUTHTOKEN });
    }
    for (let i = 0; i < Math.min(members, 5); i++) {
      await aCredential(await aServiceUser(account));
      await anInvitation(admin);
    }
    await anIPRestriction(account);
    return { account, admin };
  }

  it("does not grow with the rows of an account", async () => {
    const few = await anAccountOf(3);
    const many = await anAccountOf(30);

    const [three, thirty] = [
      await count(await signedIn(few.admin), NESTED, { id: few.account.id }),
      await count(await signedIn(many.admin), NESTED, { id: many.account.id }),
    ];

    expect(thirty.text.length).toBeGreaterThan(5 * three.text.length);
    expect(thirty.asked).toBe(three.asked);
    expect(three.asked).toBeLessThanOrEqual(8);

    const wide = await count(await signedIn(many.admin), WIDE, { id: many.account.id });
    expect(wide.asked).toBeLessThanOrEqual(20);
  });

  const ACROSS = `{ viewer { memberships(first: 40) { nodes {
    accountName access { granted }
    account { name can { update }
      members(first: 4) { nodes { user { name } can { disable }
        credentials(first: 3) { nodes { id status can { revoke } owner { id } } } } } }
  } } } }`;

  async function aUserOf(accounts: number) {
    const user = await aUser();
    for (let i = 0; i < accounts; i++) {
      const account = await anAccount();
      await aMember(account, i % 2 ? ADMINISTRATOR : READER, { userId: user.id });
      await aCredential(await aMember(account, DEVELOPER));
      await aCredential(await aMember(account, READER));
    }
    return user;
  }

  it("does not grow with the accounts of a user", async () => {
    const [three, thirty] = [
      await count(await signedIn({ userId: (await aUserOf(3)).id }), ACROSS),
      await count(await signedIn({ userId: (await aUserOf(30)).id }), ACROSS),
    ];

    expect(thirty.text.length).toBeGreaterThan(5 * three.text.length);
    expect(thirty.asked).toBe(three.asked);
    expect(three.asked).toBeLessThanOrEqual(20);
  });

  it("is one for whoever sends an API key and asks who they are", async () => {
    const account = await anAccount();
    const { secret } = await aCredential(await aMember(account, ADMINISTRATOR));
    const { asked } = await count(
      { token: secret },
      `{ viewer { surface can { createAccount } } }`,
    );
    expect(asked).toBe(1);
    expect((await withToken(secret)).principal.accountId).toBe(account.id);
  });
});
