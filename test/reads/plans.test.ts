import { type OperationDefinitionNode, parse } from "graphql";
import { escapeLiteral } from "pg";
import { authenticate } from "../../src/context/authenticate";
import { hashOf } from "../../src/identity/tokens";
import { rememberCaller } from "../../src/context/rememberedCaller";
import { admit } from "../../src/reads/admittedCaller";
import { Reading } from "../../src/reads/reading";
import { relations } from "../../src/reads/relations";
import { schema } from "../../src/graphql/schema";
import type { Account } from "../../src/entities/Account";
import { PLANNING } from "../../src/database/dataSource";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  aSession,
  BEEN_EVERYWHERE,
} from "../support/factories";

/** Enough of each kind that no planner would rather read them all. */
const ROWS = 20_000;
const ACCOUNTS = 2_000;

/** An account in which nothing is rare but what a filter asks for, and one that has no more than that. */
const NEVER = "00000000000000000000777777";
const LARGE = "ac_00000000000000000000099999";
let account: string;
let large: string;
let tokens: { key: string; session: string };

beforeAll(async () => {
  await useDatabase();
  const id = (prefix: string, n = "n") => `('${prefix}_0' || lpad((${n})::text, 25, '0'))`;
  const one = id("ac", `n % ${ACCOUNTS} + 1`);
  const all = `from generate_series(1, ${ROWS}) n`;
  const values = "now(), 'USER', 'u', 'u'";
  await sqlAsOwner(`
    set session_replication_role = replica; -- rows are sound: no need to ask
    insert into accounts (id, name, created_at)
      select ${id("ac")}, 'a', now() from generate_series(1, ${ACCOUNTS}) n;
    insert into users (id, email, name, created_at)
      select ${id("usr")}, n || '@example.com', 'u', now() ${all};
    insert into memberships select ${one}, ${id("mem")}, ${id("usr")}, false, 'READ_ONLY',
      'READ_ONLY', 'NONE', 'INVITATION', null, null, now() ${all};
    insert into service_users (account_id, id, name, developer, created_at)
      select ${one}, ${id("su")}, 'b' || n, 'READ_ONLY', now() ${all};
    insert into credentials (account_id, id, kind, membership_id, description, metadata,
        secret_hash, last_four, created_at)
      select ${one}, ${id("cr")}, 'AUTHTOKEN', ${id("mem")}, '', '',
        sha256(n::text::bytea), 'four', now() ${all};
    insert into invitations (account_id, id, email, administrator, developer, team, billing,
        inviter_id, token_hash, expires_at, created_at)
      select ${one}, ${id("inv")}, n || '@example.com', false, 'READ_ONLY', 'READ_ONLY', 'NONE',
        ${id("mem")}, sha256(n::text::bytea), now(), now() ${all};
    insert into sessions (id, user_id, token_hash, methods, authenticated_at, last_used_at,
        expires_at, created_at)
      select ${id("ses")}, ${id("usr")}, sha256(n::text::bytea), '{PASSWORD}', now(), now(),
        now(), now() ${all};
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, object_id, object, changes, decision)
      select ${one}, ${id("ev")}, 'x.v1', ${values}, ${id("mem")}, '{}', '{}', '{}' ${all};
    insert into user_events (user_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, object_id, object, changes, decision)
      select ${id("usr")}, ${id("ev")}, 'x.v1', ${values}, ${id("mem")}, '{}', '{}', '{}' ${all};
    insert into ip_restrictions select ${id("ac")}, ${id("ipr")}, 'API', false, now()
      from generate_series(1, ${ACCOUNTS}) n;
    insert into ip_rules select ${id("ac")}, ${id("ipr")}, 1, '10.0.0.0/8', 'ALLOW', ''
      from generate_series(1, ${ACCOUNTS}) n;
    insert into accounts (id, name, created_at) values ('${LARGE}', 'large', now());
    insert into memberships select '${LARGE}', ${id("mem", "n + 500000")}, ${id("usr")}, false,
      'READ_WRITE', 'READ_ONLY', 'NONE', 'INVITATION', null, null, now() ${all};
    insert into credentials (account_id, id, kind, membership_id, description, metadata,
        secret_hash, last_four, created_at)
      select '${LARGE}', ${id("cr", "n + 500000")}, 'AUTHTOKEN', ${id("mem", "n + 500000")}, '', '',
        sha256((n + 500000)::text::bytea), 'four', now() ${all};
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, object_id, ip, object, changes, decision)
      select '${LARGE}', ${id("ev", "n + 500000")}, 'often.v' || n % 2 + 1, now(), 'USER',
        ${id("usr", "n % 3 + 1")}, 'u', ${id("mem", "n % 3 + 1")},
        ('192.0.' || n % 2 || '.1')::inet, '{}', '{}', '{}' ${all};
    insert into users (id, email, name, created_at)
      values ('usr_${NEVER}', 'zebediah@rare.example', 'Zebediah Zq', now());
    insert into users (id, email, name, created_at)
      select ${id("usr", "n + 500000")}, n || '@elsewhere.example', 'Elsewhere', now() ${all};
    insert into memberships select ${one}, ${id("mem", "n + 900000")}, ${id("usr", "n + 500000")}, false,
      'READ_WRITE', 'READ_ONLY', 'NONE', 'INVITATION', null, null, now() ${all};
    insert into memberships values ('${LARGE}', 'mem_${NEVER}', 'usr_${NEVER}', false,
      'READ_WRITE', 'READ_ONLY', 'NONE', 'INVITATION', null, null, now());
    insert into member_searches (account_id, id, text)
      select m.account_id, m.id, search_text(u.name, u.email)
      from memberships m join users u on u.id = m.user_id;
    set session_replication_role = origin;
    analyze`);
  // As an account is that has been there for a while: a scan of an index alone looks cheap then.
  await sqlAsOwner("vacuum (freeze, analyze)");
  const boss = await aMember({ id: LARGE } as Account, ADMINISTRATOR);
  large = (await aCredential(boss)).secret;
  const mine = await anAccount();
  const admin = await aMember(mine, ADMINISTRATOR);
  account = mine.id;
  tokens = {
    key: (await aCredential(admin)).secret,
    session: (await aSession(admin.userId)).token,
  };
}, 120_000);

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  "Actual Rows"?: number;
  "Actual Loops"?: number;
  Plans?: PlanNode[];
}

const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

function quoted(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Buffer.isBuffer(value)) return `'\\x${value.toString("hex")}'`;
  if (Array.isArray(value)) return `'{${value.join(",")}}'`;
  const text = value instanceof Date ? value.toISOString() : (value as string | number | boolean);
  return escapeLiteral(`${text}`);
}

/** The plan that every request gets, whatever its values. */
async function planOf(query: string, token: string, how = ""): Promise<PlanNode[]> {
  const request = { id: "req_test", ip: null, userAgent: null };
  const { principal, standing } = await authenticate(db, token, request);
  const known = (await rememberCaller(db, {
    caller: principal,
    ...{ standing, tokenHash: hashOf(token), lastUsedAt: null },
  }))!;
  const document = parse(query);
  const operation = document.definitions[0] as OperationDefinitionNode;
  const bound = new Reading(schema, relations, db.table, document, operation).bind(
    admit(known, { request, services: { entries: BEEN_EVERYWHERE } }),
    {},
  );
  if (typeof bound === "string") throw new Error(bound);
  const given = bound.values.length ? `(${bound.values.map(quoted).join(", ")})` : "";
  await sqlAsOwner(PLANNING.map((one) => `set ${one}`).join("; "));
  await sqlAsOwner(`prepare read as ${bound.text}`);
  const [row] = await sqlAsOwner<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
    `explain (${how}format json) execute read${given}`,
  );
  await sqlAsOwner("deallocate read");
  return nodesOf(row!["QUERY PLAN"][0].Plan);
}

const inAccount = (selection: string) => () => `{ account(id: "${account}") { ${selection} } }`;
const viewer = (selection: string) => () => `{ viewer { ${selection} } }`;
const node =
  (id: string, more = "") =>
  () =>
    `{ node(id: "${id}_00000000000000000000000007") { id ${more} } }`;

/** The same question of the list's other end. */
const backward = (document: string) =>
  (document.includes("before:") ? document : document.replaceAll("after:", "before:"))
    .replaceAll("first:", "last:")
    .replaceAll("hasNextPage", "hasPreviousPage");

const LISTS: [name: string, document: () => string][] = [
  ["members", inAccount("members(first: 20) { nodes { id user { name } } }")],
  [
    "members beyond a cursor",
    inAccount(
      'members(first: 20, after: "mem_00000000000000000000000007") { nodes { id } pageInfo { hasNextPage startCursor endCursor } }',
    ),
  ],
  [
    "members' credentials",
    inAccount(
      "members(first: 20) { nodes { credentials(first: 20) { nodes { status can { revoke } owner { id } } } } }",
    ),
  ],
  [
    "service users",
    inAccount("serviceUsers(first: 20) { nodes { credentials(first: 20) { nodes { id } } } }"),
  ],
  ["credentials", inAccount("credentials(first: 20, order: NEWEST_FIRST) { nodes { id } }")],
  ["invitations", inAccount("invitations(first: 20) { nodes { inviter { id } } }")],
  ["events", inAccount("events(first: 20) { nodes { id } }")],
  [
    "events of a type",
    inAccount('events(first: 20, filter: { types: ["x.v1"] }) { nodes { id } }'),
  ],
  ["memberships", viewer("memberships(first: 20) { nodes { accountName account { id } } }")],
  ["sessions", viewer("session { id } sessions(first: 20) { nodes { id } }")],
  ["one's own events", viewer("events(first: 20) { nodes { id } }")],
];
const QUESTIONS: [name: string, document: () => string][] = [
  ...LISTS,
  ...LISTS.map(([name, document]): [string, () => string] => [
    `${name}, backward`,
    () => backward(document()),
  ]),
  ["IP restrictions", inAccount("ipRestrictions { rules { range } }")],
  ["the key", viewer("principal { id } credential { id }")],
  ...["ac", "mem", "su", "cr", "inv", "ipr", "ev", "ses", "usr"].map(
    (prefix): [string, () => string] => [`a node ${prefix}_…`, node(prefix)],
  ),
];

describe.each(["key", "session"] as const)("by %s", (by) => {
  it.each(QUESTIONS)("finds %s by index", async (_name, document) => {
    const nodes = await planOf(document(), tokens[by]);
    const scanned = nodes.filter((one) => one["Node Type"] === "Seq Scan");
    // Months of events that hold nothing are read whole, which is to say not at all.
    const read = scanned.map((one) => one["Relation Name"]!);
    expect(read.filter((name) => !/_events?_\d{4}_\d\d$|^events_\d{4}_\d\d$/.test(name))).toEqual(
      [],
    );
    expect(nodes.some((one) => one["Node Type"].startsWith("Index"))).toBe(true);
  });
});

const PAGE = 10;
const idOf = (prefix: string, n: number) => `${prefix}_${String(n).padStart(26, "0")}`;
const members = (filter: string) =>
  `members(first: ${PAGE}, filter: { ${filter} }) { nodes { id } pageInfo { hasNextPage } }`;
const credentials = (filter: string) =>
  `credentials(first: ${PAGE}, filter: { ${filter} }) { nodes { id } pageInfo { hasNextPage } }`;
const events = (filter: string, order = "NEWEST_FIRST") =>
  `events(first: ${PAGE}, order: ${order}, filter: { ${filter} }) { nodes { id } pageInfo { hasNextPage } }`;

/** Rare or never there, in an account where everything else is common; and what is common. */
const FILTERS: [name: string, selection: string][] = [
  ["all members", `members(first: ${PAGE}) { nodes { id } pageInfo { hasNextPage } }`],
  [
    "members far down",
    `members(first: ${PAGE}, after: "${idOf("mem", 510_000)}") { nodes { id } pageInfo { hasNextPage } }`,
  ],
  [
    "members between cursors",
    `members(first: ${PAGE}, after: "${idOf("mem", 505_000)}", before: "${idOf("mem", 515_000)}") { edges { cursor } pageInfo { hasNextPage startCursor } }`,
  ],
  ["administrators", members("roles: { administrator: true }")],
  ["members who are none", members("roles: { administrator: false }")],
  ["team managers", members("roles: { team: MANAGER }")],
  ["members of billing", members("roles: { billing: ACCESS }")],
  ["read-only developers", members("roles: { developer: READ_ONLY }")],
  ["disabled members", members("status: DISABLED")],
  ["active members", members("status: ACTIVE")],
  [
    "disabled managers",
    members("status: DISABLED, roles: { team: MANAGER, administrator: false }"),
  ],
  ["the one person of a name", members('text: "Zebediah"')],
  ["the one person of an email", members('text: "zebediah@rare.example"')],
  ["nobody of a name", members('text: "Nobody\'s Name"')],
  ["everybody of an email", members('text: "example.com"')],
  ["the one person of two characters", members('text: "zq"')],
  ["nobody of two characters", members('text: "qx"')],
  ["everybody of one character", members('text: "u"')],
  ["many people of other accounts", members('text: "elsewhere"')],
  ["a disabled person of a name", members('status: DISABLED, text: "Zebediah"')],
  ["API keys", credentials("kind: API_KEY")],
  ["authtokens", credentials("kind: AUTHTOKEN")],
  ["revoked credentials", credentials("revoked: true")],
  ["revoked authtokens", credentials("revoked: true, kind: AUTHTOKEN")],
  ["an owner's revoked credentials", credentials(`revoked: true, ownerId: "mem_${NEVER}"`)],
  ...["NEWEST_FIRST", "OLDEST_FIRST"].flatMap((order): [string, string][] => [
    [`events of a type that never occurred, ${order}`, events('types: ["never.v1"]', order)],
    [
      `events of several types, ${order}`,
      events('types: ["never.v1", "often.v1", "often.v2", "rare.v1"]', order),
    ],
    [
      `events of a principal who did nothing, ${order}`,
      events(`principalId: "usr_${NEVER}"`, order),
    ],
    [
      `what a busy principal never did, ${order}`,
      events('types: ["never.v1"], principalId: "usr_00000000000000000000000001"', order),
    ],
    [
      `events of an object that nothing was done to, ${order}`,
      events(`objectId: "mem_${NEVER}"`, order),
    ],
    [`events of an address that never asked, ${order}`, events('ip: "192.0.0.2"', order)],
    [`events of an IPv6 address, ${order}`, events('ip: "2001:db8::1"', order)],
    [`events of a network that never asked, ${order}`, events('ip: "198.51.100.0/24"', order)],
    [`events of a busy network, ${order}`, events('ip: "192.0.1.0/24"', order)],
    [`events of an IPv6 network, ${order}`, events('ip: "2001:db8:0:1::/64"', order)],
    [
      `events from then on, ${order}`,
      events('from: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z"', order),
    ],
  ]),
];

it.each([
  ...FILTERS,
  ...FILTERS.map(([name, selection]) => [`${name}, backward`, backward(selection)] as const),
])("finds %s in a large account without looking at the rest", async (_name, selection) => {
  const document = `{ account(id: "${LARGE}") { ${selection} } }`;
  const nodes = await planOf(document, large, "analyze, timing off, ");
  const sum = (of: keyof PlanNode) =>
    nodes.reduce((all, node) => all + Number(node[of] ?? 0) * (node["Actual Loops"] ?? 1), 0);
  const scans = nodes.filter((node) => node["Relation Name"]);
  const seen = scans.reduce((all, one) => all + one["Actual Rows"]! * one["Actual Loops"]!, 0);
  // Text is looked for in the first 250 rows before the index is asked.
  const through = selection.includes("text:") ? 260 : 0;
  const removed = sum("Rows Removed by Filter") + sum("Rows Removed by Index Recheck");
  expect(removed).toBeLessThan(PAGE + through);
  // Of each range a page and the row that tells whether more follow, and the caller's own rows.
  expect(seen).toBeLessThan(10 * PAGE + 3 * through);
});
