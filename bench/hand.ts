import type { Pool, PoolClient } from "pg";
import { newId } from "../src/ids";
import { type Asked, openPool, serve } from "./serve";

/**
 * What a careful person writes by hand for exactly these questions: a query to authenticate, a
 * prepared query for each kind of row, checks in plain code, JSON.stringify. No GraphQL, no
 * policy that could say why.
 */
const pool = openPool();

interface Caller {
  credentialId: string;
  accountId: string;
  userId: string;
  email: string;
  name: string;
  administrator: boolean;
  developer: string;
  team: string;
  billing: string;
}

interface Member {
  id: string;
  accountId: string;
  userId: string;
  administrator: boolean;
  developer: string;
  team: string;
  billing: string;
  provisioning: string;
  disabledAt: Date | null;
  removedAt: Date | null;
  createdAt: Date;
}

async function query<R extends object>(
  on: Pool | PoolClient,
  statement: Statement,
  values: unknown[],
) {
  return (await on.query<R>({ ...statement, values })).rows;
}

type Statement = (typeof STATEMENTS)[keyof typeof STATEMENTS];

const STATEMENTS = {
  caller: {
    name: "caller",
    text: `select c.id as "credentialId", c.account_id as "accountId", m.user_id as "userId",
        u.email, u.name, m.administrator, m.developer, m.team, m.billing
      from credentials c
        join accounts a on a.id = c.account_id and a.deleted_at is null
        join memberships m on m.account_id = c.account_id and m.id = c.membership_id
          and m.removed_at is null and m.disabled_at is null
        join users u on u.id = m.user_id
      where c.account_id = $1 and c.secret_hash = $2 and c.kind = 'API_KEY'
        and c.revoked_at is null and (c.expires_at is null or c.expires_at > now())`,
  },
  account: {
    name: "account",
    text: `select id, name from accounts where id = $1 and deleted_at is null`,
  },
  members: {
    name: "members",
    text: `select m.id, m.administrator, m.developer, m.team, m.billing, u.email, u.name
      from memberships m join users u on u.id = m.user_id
      where m.account_id = $1 and m.removed_at is null order by m.id limit 50`,
  },
  credentials: {
    name: "credentials",
    text: `select c.* from unnest($2::text[]) owner(id) cross join lateral (
        select membership_id as owner, id, kind, description, created_at as "createdAt"
        from credentials where account_id = $1 and membership_id = owner.id
        order by id limit 3) c`,
  },
  lockAccount: {
    name: "lockAccount",
    text: `select from accounts where id = $1 and deleted_at is null for no key update`,
  },
  lockMember: {
    name: "lockMember",
    text: `select account_id as "accountId", id, user_id as "userId", administrator, developer,
        team, billing, provisioning, disabled_at as "disabledAt", removed_at as "removedAt",
        created_at as "createdAt"
      from memberships where account_id = $1 and id = $2 and removed_at is null
      for no key update`,
  },
  update: {
    name: "update",
    text: `update memberships set disabled_at = $3 where account_id = $1 and id = $2`,
  },
  insertEvent: {
    name: "insertEvent",
    text: `insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, surface, credential_id, object_id, object, changes, decision, ip,
        user_agent, request_id)
      values ($1, $2, $3, $4, 'USER', $5, $6, 'API', $7, $8, $9, $10, $11, $12, $13, $14)`,
  },
};

async function authenticate({ accountId, hash }: Asked): Promise<Caller> {
  const [caller] = await query<Caller>(pool, STATEMENTS.caller, [accountId, hash]);
  if (!caller) throw new Error("This API key is unknown, expired or revoked.");
  return caller;
}

async function nested(asked: Asked): Promise<string> {
  const { accountId } = await authenticate(asked);
  if (asked.variables["id"] !== accountId) return '{"account":null}';
  const [account] = await query<{ id: string; name: string }>(pool, STATEMENTS.account, [
    accountId,
  ]);
  const members = await query<Member & { email: string; name: string }>(pool, STATEMENTS.members, [
    accountId,
  ]);
  const credentials = await query<{ owner: string; createdAt: Date }>(
    pool,
    STATEMENTS.credentials,
    [accountId, members.map(({ id }) => id)],
  );
  const owned = new Map<string, object[]>(members.map(({ id }) => [id, []]));
  for (const { owner, ...credential } of credentials) owned.get(owner)!.push(credential);
  const nodes = members.map(({ id, administrator, developer, team, billing, email, name }) => ({
    id,
    roles: { administrator, developer, team, billing },
    user: { email, name },
    credentials: { nodes: owned.get(id) },
  }));
  return JSON.stringify({ account: { ...account, members: { nodes } } });
}

async function viewer(asked: Asked): Promise<string> {
  const { userId, name, email } = await authenticate(asked);
  return JSON.stringify({ viewer: { principal: { id: userId, name, email } } });
}

async function write(action: "disable" | "enable", asked: Asked): Promise<string> {
  const caller = await authenticate(asked);
  const { memberId } = asked.variables["input"] as { memberId: string };
  if (!caller.administrator) throw new Error("Only administrators may do this.");
  const client = await pool.connect();
  try {
    await client.query("begin");
    const member = await change(client, action, caller, memberId, asked);
    await client.query("commit");
    const { id, disabledAt } = member;
    const status = disabledAt ? "DISABLED" : "ACTIVE";
    return JSON.stringify({
      [`${action}Member`]: { member: { id, status, disabledAt }, userErrors: [] },
    });
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

async function change(
  client: PoolClient,
  action: "disable" | "enable",
  caller: Caller,
  memberId: string,
  { ip, userAgent }: Asked,
): Promise<Member> {
  const { accountId } = caller;
  await query(client, STATEMENTS.lockAccount, [accountId]);
  const [member] = await query<Member>(client, STATEMENTS.lockMember, [accountId, memberId]);
  if (!member) throw new Error("Not found.");
  if (Boolean(member.disabledAt) === (action === "disable")) return member;

  const now = new Date();
  const before = member.disabledAt;
  member.disabledAt = action === "disable" ? now : null;
  await query(client, STATEMENTS.update, [accountId, memberId, member.disabledAt]);
  await query(client, STATEMENTS.insertEvent, [
    accountId,
    newId("Event"),
    `member_${action}d.v1`,
    now,
    caller.userId,
    caller.email,
    caller.credentialId,
    memberId,
    JSON.stringify(member),
    JSON.stringify({ disabledAt: [before, member.disabledAt] }),
    JSON.stringify({
      action,
      subject: { type: "Member", id: member.id },
      allowed: true,
      rule: "Administrators manage every member.",
      roles: [
        "administrator",
        ...(caller.developer === "READ_ONLY" ? [] : [`developer ${caller.developer}`]),
        ...(caller.team === "READ_ONLY" ? [] : [`team ${caller.team}`]),
        ...(caller.billing === "NONE" ? [] : [`billing ${caller.billing}`]),
      ],
      methods: [],
      authenticatedAt: null,
    }),
    ip,
    userAgent,
    newId("Session"),
  ]);
  return member;
}

serve({
  Nested: nested,
  Viewer: viewer,
  Disable: (asked) => write("disable", asked),
  Enable: (asked) => write("enable", asked),
});
