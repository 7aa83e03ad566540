import { newId } from "../src/ids";
import { type Asked, openPool, serve } from "./serve";

/**
 * The physical limit: each answer is one prepared statement, which looks up the key, does the
 * work and gives the JSON to send. Nothing that runs on Node and PostgreSQL and asks who is
 * calling can be much faster; and nobody would want to maintain it.
 */
const pool = openPool();

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/** Of an API key of a member: $1 its account, $2 its hash. */
const CALLER = `caller as (
  select c.id as credential_id, m.*, u.email, u.name
  from credentials c
    join accounts a on a.id = c.account_id and a.deleted_at is null
    join memberships m on m.account_id = c.account_id and m.id = c.membership_id
      and m.removed_at is null and m.disabled_at is null
    join users u on u.id = m.user_id
  where c.account_id = $1 and c.secret_hash = $2 and c.kind = 'API_KEY' and c.revoked_at is null
    and (c.expires_at is null or c.expires_at > now()))`;

/** What an administrator may do, who may do all of it but leave for others. */
const CAN_MEMBER = `, (select row_to_json(can) from (
  select caller.administrator as "updateRoles", caller.administrator as disable,
    caller.administrator as enable, caller.administrator as remove, m.id = caller.id as leave,
    caller.administrator as "createCredential") can) as can`;
const CAN_CREDENTIAL = `, (select row_to_json(can) from (
  select caller.administrator as update, caller.administrator as revoke) can) as can`;

const nested = (ofMember = "", ofCredential = "") => `with ${CALLER}
  select row_to_json(account)::text as json from caller cross join lateral (
    select a.id, a.name,
      (select row_to_json(connection) from (
        select coalesce(json_agg(row_to_json(member)), '[]') as nodes from (
          select m.id,
            (select row_to_json(roles) from (
              select m.administrator, m.developer, m.team, m.billing) roles) as roles
            ${ofMember},
            (select row_to_json(person) from (
              select u.email, u.name from users u where u.id = m.user_id) person) as "user",
            (select row_to_json(connection) from (
              select coalesce(json_agg(row_to_json(credential)), '[]') as nodes from (
                select c.id, c.kind, c.description,
                  to_char(c.created_at, ${TIME}) as "createdAt" ${ofCredential}
                from credentials c where c.account_id = m.account_id and c.membership_id = m.id
                order by c.id limit 3) credential) connection) as credentials
          from memberships m where m.account_id = a.id and m.removed_at is null
          order by m.id limit 50) member) connection) as members
    from accounts a where a.id = $3 and a.id = caller.account_id) account`;

const EVENTS = `with ${CALLER}
  select row_to_json(account)::text as json from caller cross join lateral (
    select a.id,
      (select row_to_json(connection) from (
        select coalesce(json_agg(row_to_json(event)), '[]') as nodes from (
          select e.id, e.type, to_char(e.occurred_at, ${TIME}) as "occurredAt",
            (select row_to_json(principal) from (
              select e.principal_id as id, e.principal_kind as kind,
                e.principal_subject as subject) principal) as principal,
            e.ip, e.object_id as "objectId", e.object, e.changes, e.decision
          from events e where e.account_id = a.id order by e.id desc limit 50) event
        ) connection) as events
    from accounts a where a.id = $3 and a.id = caller.account_id and caller.administrator) account`;

const VIEWER = `with ${CALLER}
  select row_to_json(principal)::text as json
  from caller cross join lateral (select user_id as id, caller.name, caller.email) principal`;

/** $3 the member, $4 now, $5 to $8 the event's id, the address, the client and the request. */
const write = (action: "disable" | "enable") => `with ${CALLER},
  account as (
    select a.id from accounts a join caller on a.id = caller.account_id
    where caller.administrator for no key update of a),
  before as (
    select m.* from memberships m join account on m.account_id = account.id
    where m.id = $3 and m.removed_at is null
      and m.disabled_at is ${action === "disable" ? "null" : "not null"}
    for no key update of m),
  member as (
    update memberships m set disabled_at = ${action === "disable" ? "$4::timestamptz" : "null"}
    from before where m.account_id = before.account_id and m.id = before.id returning m.*),
  event as (
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
      principal_subject, surface, credential_id, object_id, object, changes, decision, ip,
      user_agent, request_id)
    select m.account_id, $5, 'member_${action}d.v1', $4::timestamptz, 'USER', caller.user_id,
      caller.email, 'API', caller.credential_id, m.id,
      jsonb_build_object('accountId', m.account_id, 'id', m.id, 'userId', m.user_id,
        'administrator', m.administrator, 'developer', m.developer, 'team', m.team,
        'billing', m.billing, 'provisioning', m.provisioning,
        'disabledAt', to_char(m.disabled_at, ${TIME}), 'removedAt', null,
        'createdAt', to_char(m.created_at, ${TIME})),
      jsonb_build_object('disabledAt', jsonb_build_array(
        to_char(before.disabled_at, ${TIME}), to_char(m.disabled_at, ${TIME}))),
      jsonb_build_object('action', '${action}', 'allowed', true,
        'subject', jsonb_build_object('type', 'Member', 'id', m.id),
        'rule', 'Administrators manage every member.',
        'roles', array_remove(array['administrator',
          case when caller.developer <> 'READ_ONLY' then 'developer ' || caller.developer end,
          case when caller.team <> 'READ_ONLY' then 'team ' || caller.team end,
          case when caller.billing <> 'NONE' then 'billing ' || caller.billing end], null),
        'methods', '[]'::jsonb, 'authenticatedAt', null),
      $6::inet, $7, $8
    from member m, before, caller)
  select row_to_json(payload)::text as json from (
    select (select row_to_json(shown) from (
        select id, case when disabled_at is null then 'ACTIVE' else 'DISABLED' end as status,
          to_char(disabled_at, ${TIME}) as "disabledAt") shown) as member,
      '[]'::json as "userErrors"
    from member) payload`;

async function answer(name: string, field: string, text: string, values: unknown[]) {
  const { rows } = await pool.query<{ json: string }>({ name, text, values });
  return `{"${field}":${rows[0]?.json ?? null}}`;
}

function answerWrite(action: "disable" | "enable", text: string, asked: Asked) {
  const { accountId, hash, variables, ip, userAgent } = asked;
  const { memberId } = variables["input"] as { memberId: string };
  const ids = [newId("Event"), ip, userAgent, newId("Session")];
  const values = [accountId, hash, memberId, new Date(), ...ids];
  return answer(action, `${action}Member`, text, values);
}

const NESTED = nested();
const CAN = nested(CAN_MEMBER, CAN_CREDENTIAL);
const DISABLE = write("disable");
const ENABLE = write("enable");

serve({
  Nested: ({ accountId, hash, variables }) =>
    answer("nested", "account", NESTED, [accountId, hash, variables["id"]]),
  Can: ({ accountId, hash, variables }) =>
    answer("can", "account", CAN, [accountId, hash, variables["id"]]),
  Events: ({ accountId, hash, variables }) =>
    answer("events", "account", EVENTS, [accountId, hash, variables["id"]]),
  Viewer: async ({ accountId, hash }) =>
    `{"viewer":${await answer("viewer", "principal", VIEWER, [accountId, hash])}}`,
  Disable: (asked) => answerWrite("disable", DISABLE, asked),
  Enable: (asked) => answerWrite("enable", ENABLE, asked),
});
