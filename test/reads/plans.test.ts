import { type OperationDefinitionNode, parse } from "graphql";
import { escapeLiteral } from "pg";
import { authenticate } from "../../src/context/authenticate";
import { hashOf } from "../../src/identity/tokens";
import { rememberCaller } from "../../src/context/rememberedCaller";
import { admit } from "../../src/reads/admittedCaller";
import { Reading } from "../../src/reads/reading";
import { relations } from "../../src/reads/relations";
import { schema } from "../../src/graphql/schema";
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

let account: string;
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
    set session_replication_role = origin;
    analyze`);
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
async function planOf(query: string, token: string): Promise<PlanNode[]> {
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
  await sqlAsOwner("set plan_cache_mode = force_generic_plan; set jit = off");
  await sqlAsOwner(`prepare read as ${bound.text}`);
  const [row] = await sqlAsOwner<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
    `explain (format json) execute read${given}`,
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

const QUESTIONS: [name: string, document: () => string][] = [
  ["members", inAccount("members { nodes { id user { name } } }")],
  [
    "members after a cursor",
    inAccount(
      'members(after: "mem_00000000000000000000000007") { nodes { id } pageInfo { hasNextPage endCursor } }',
    ),
  ],
  [
    "members' credentials",
    inAccount("members { nodes { credentials { nodes { status can { revoke } owner { id } } } } }"),
  ],
  ["service users", inAccount("serviceUsers { nodes { credentials { nodes { id } } } }")],
  ["credentials", inAccount("credentials(order: NEWEST_FIRST) { nodes { id } }")],
  ["invitations", inAccount("invitations { nodes { inviter { id } } }")],
  ["IP restrictions", inAccount("ipRestrictions { rules { range } }")],
  ["events", inAccount("events { nodes { id } }")],
  ["events of a type", inAccount('events(filter: { types: ["x.v1"] }) { nodes { id } }')],
  ["memberships", viewer("memberships { nodes { accountName account { id } } }")],
  ["sessions", viewer("session { id } sessions { nodes { id } }")],
  ["one's own events", viewer("events { nodes { id } }")],
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
