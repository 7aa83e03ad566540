import { parseArgs } from "node:util";
import type { Client } from "pg";
import { newToken } from "../src/identity/tokens";
import { newId } from "../src/ids";

/** The one member of a name, in each account. */
export const RARE = "Zebediah";

/** An account, and what questions about it need. */
export interface Large {
  /** API keys of an administrator, and of a member who sees little but their own. */
  key: string;
  ordinaryKey: string;
  variables: Record<
    "id" | "member" | "busy" | "user" | "none" | "nobody" | "from" | "until",
    string
  >;
}

/** What is common is nearly all of an account, and what is rare a few rows of it. */
interface Size {
  members: number;
  events: number;
}
const SMALL: Size = { members: 200, events: 1_000 };
/** Members of a third account, whose names the others have none of. */
const ELSEWHERE = 50_000;
/** Events are spread over this many minutes. */
const MINUTES = 60 * 24 * 60;
const TABLES = ["users", "memberships", "member_searches", "credentials", "events"];

/** Fills a migrated, empty database with a large account, a small one, and one of other names. */
export async function seedLarge(client: Client): Promise<{ large: Large; small: Large }> {
  await client.query(`
    set synchronous_commit = off;
    set maintenance_work_mem = '512MB';
    set session_replication_role = replica;
    -- TypeIDs: the first ten characters are the time in ms, in base 32.
    create function pg_temp.moment_of(ms bigint) returns text language sql immutable as $$
      select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', (ms >> (5 * k) & 31)::int + 1, 1), '' order by k desc)
      from generate_series(0, 9) k $$;
    create function pg_temp.id(prefix text, moment text, n bigint) returns text language sql immutable as $$
      select prefix || '_' || moment || lpad(to_hex(n), 16, '0') $$;
    create temp table minutes as
      select minute, at, pg_temp.moment_of((extract(epoch from at) * 1000)::bigint) as moment
      from generate_series(0, ${MINUTES - 1}) minute,
        lateral (select date_trunc('minute', now()) + minute * interval '1 minute' as at) m;
    create index on minutes (minute);
    analyze minutes`);
  const restore = await withoutIndexes(client);
  const large = await fill(client, sizeAsked(), 0);
  const small = await fill(client, SMALL, 10_000_000);
  await fill(client, { members: ELSEWHERE, events: 0 }, 20_000_000, "Elsewhere");
  await restore();
  await client.query("set session_replication_role = origin");
  await client.query("vacuum (analyze)");
  return { large, small };
}

function sizeAsked(): Size {
  const { values } = parseArgs({
    options: {
      members: { type: "string", default: "1000000" },
      events: { type: "string", default: "5000000" },
    },
  });
  return { members: Number(values.members), events: Number(values.events) };
}

/** Indexes are faster to build at the end; gives what builds them. */
async function withoutIndexes(client: Client): Promise<() => Promise<void>> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid = any($1::regclass[]) and not indisunique`,
    [TABLES],
  );
  for (const { name } of rows) await client.query(`drop index ${name}`);
  return async () => {
    // Of a partitioned table it is said without its partitions.
    for (const { definition } of rows) await client.query(definition.replace(" ON ONLY ", " ON "));
  };
}

/** @param from Numbers of rows begin here, so that no two accounts share an id. */
async function fill(
  client: Client,
  { members, events }: Size,
  from: number,
  name = "Member",
): Promise<Large> {
  const account = newId("Account");
  const keys = [0, 1].map(() => newToken("API_KEY", account));
  const [m0] = (
    await client.query<{ moment: string }>("select moment from minutes where minute = 0")
  ).rows;
  const idOf = (prefix: string, n: number) =>
    `${prefix}_${m0!.moment}${(from + n).toString(16).padStart(16, "0")}`;
  const id = (prefix: string) => `pg_temp.id('${prefix}', '${m0!.moment}', n + ${from})`;
  // One in fifty thousand, or one at least.
  const rare = `n % ${Math.min(50_000, Math.floor(members / 2))} = 7`;
  await client.query(`
    insert into accounts (id, name, created_at) values ('${account}', 'Account', now());
    insert into users (id, email, name, email_verified_at, created_at)
      select ${id("usr")}, 'user' || n + ${from} || '@example.com',
        case n when ${members - 1} then '${RARE}' else '${name} number ' || n end, now(), now()
      from generate_series(0, ${members - 1}) n;
    insert into memberships (account_id, id, user_id, administrator, developer, team, billing,
        provisioning, disabled_at, created_at)
      select '${account}', ${id("mem")}, ${id("usr")}, n = 0 or n % 2 = 0 and ${rare}, 'READ_WRITE',
        case when ${rare} then 'MANAGER' else 'READ_ONLY' end,
        case when ${rare} then 'ACCESS' else 'NONE' end, 'INVITATION',
        case when n % 3 = 0 and ${rare} then now() end, now()
      from generate_series(0, ${members - 1}) n;
    insert into member_searches (account_id, id, text)
      select m.account_id, m.id, search_text(u.name, u.email)
      from memberships m join users u on u.id = m.user_id where m.account_id = '${account}';
    insert into credentials (account_id, id, kind, membership_id, description, metadata,
        secret_hash, last_four, revoked_at, created_at)
      select '${account}', ${id("cr")}, 'AUTHTOKEN', ${id("mem")}, 'A laptop', '',
        sha256((n + ${from})::text::bytea), 'four', case when ${rare} then now() end, now()
      from generate_series(0, ${members - 1}) n`);
  await client.query(
    `insert into credentials (account_id, id, kind, membership_id, description, metadata, secret_hash,
       last_four, created_at)
     select $1, id, 'API_KEY', owner, 'Asks', '', hash, 'four', now()
     from unnest($2::text[], $3::text[], $4::bytea[]) key(id, owner, hash)`,
    [
      account,
      keys.map(() => newId("ApiKey")),
      // The second did nothing: the three busiest are 0 to 2.
      [idOf("mem", 0), idOf("mem", 4)],
      keys.map(({ hash }) => hash),
    ],
  );
  await client.query(`
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, surface, object_id, object, changes, decision, ip, request_id)
      select '${account}', pg_temp.id('ev', m.moment, n + ${from}),
        case n when 5 then 'account_updated.v1' else
          (array['member_roles_updated.v1', 'member_disabled.v1', 'member_enabled.v1'])[n % 3 + 1] end,
        m.at, 'USER', pg_temp.id('usr', '${m0!.moment}', n % 3 + ${from}), 'user@example.com', 'API',
        pg_temp.id('mem', '${m0!.moment}', n % 3 + ${from}), '{"team": "MANAGER"}',
        '{"team": ["READ_ONLY", "MANAGER"]}', '{"action": "updateRoles", "allowed": true}',
        -- Three offices, and now and then one of many homes.
        case when n % 16 < 15 then '192.0.2.' || 7 + n % 3
          else '203.' || n / 16 % 250 || '.' || n / 4000 % 250 || '.1' end::inet, 'req'
      from generate_series(0, ${events - 1}) n
        join minutes m on m.minute = n::bigint * ${MINUTES} / ${Math.max(events, 1)}`);
  const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  return {
    key: keys[0]!.text,
    ordinaryKey: keys[1]!.text,
    variables: {
      id: account,
      // Of the middle, so that half of the account is before it.
      member: idOf("mem", Math.floor(members / 2)),
      busy: idOf("mem", 0),
      user: idOf("usr", 0),
      none: newId("Membership"),
      nobody: newId("User"),
      from: at(MINUTES / 2),
      until: at(MINUTES / 2 + 60),
    },
  };
}
