import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { newToken } from "../src/identity/tokens";
import { newId } from "../src/ids";

/** What the load generator needs to know of the rows. */
export interface Seeded {
  accounts: {
    id: string;
    /** API keys of its administrators. */
    keys: string[];
    /** Ids of its members who are no administrators. */
    ordinary: string[];
  }[];
}

const ACCOUNTS = 50;
const MEMBERS = 100;
/** The rest of an account are ordinary members, three for each connection. */
const ADMINISTRATORS = 4;
const CREDENTIALS = 3;
const USERS = 20_000;
const EVENTS = 200_000;
/** Coprime to the number of users, so that nobody is in an account twice. */
const STRIDE = 199;
const CHUNK = 20_000;

/** Fills a migrated, empty database: 50 accounts, 5,000 members, 15,000 credentials, … */
export async function seed(url: string): Promise<Seeded> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("begin");
    const seeded = await fill(client);
    await client.query("commit");
    await client.query("vacuum (analyze)");
    return seeded;
  } finally {
    await client.end();
  }
}

async function fill(client: Client): Promise<Seeded> {
  const users = ids("User", USERS);
  await client.query(
    `insert into users (id, email, name, email_verified_at, created_at)
     select id, 'user' || i || '@example.com', 'User number ' || i, now(), now()
     from unnest($1::text[]) with ordinality t(id, i)`,
    [users],
  );
  const accounts = ids("Account", ACCOUNTS).map((id) => ({
    id,
    members: ids("Membership", MEMBERS),
    keys: [] as string[],
  }));
  await client.query(
    `insert into accounts (id, name, created_at)
     select id, 'Account number ' || i, now() from unnest($1::text[]) with ordinality t(id, i)`,
    [accounts.map(({ id }) => id)],
  );
  for (const [a, account] of accounts.entries()) {
    const people = account.members.map((_, i) => users[(a * 61 + i * STRIDE) % USERS]);
    await client.query(
      `insert into memberships (account_id, id, user_id, administrator, developer, team, billing,
         provisioning, created_at)
       select $1, id, user_id, i <= ${ADMINISTRATORS},
         case when i % 2 = 0 then 'READ_WRITE' else 'READ_ONLY' end,
         case i % 10 when 5 then 'MANAGER' when 7 then 'INVITE_ONLY' else 'READ_ONLY' end,
         case when i % 10 = 3 then 'ACCESS' else 'NONE' end,
         case when i = 1 then 'FOUNDER' else 'INVITATION' end, now()
       from unnest($2::text[], $3::text[]) with ordinality t(id, user_id, i)`,
      [account.id, account.members, people],
    );
    await addCredentials(client, account);
  }
  await addEvents(client, accounts);
  return {
    accounts: accounts.map(({ id, keys, members }) => ({
      id,
      keys,
      ordinary: members.slice(ADMINISTRATORS),
    })),
  };
}

/** Two authtokens and an API key each; the keys of administrators are kept in clear. */
async function addCredentials(
  client: Client,
  account: { id: string; members: string[]; keys: string[] },
): Promise<void> {
  const rows = account.members.flatMap((owner, m) =>
    Array.from({ length: CREDENTIALS }, (_, c) => {
      const isKey = c === CREDENTIALS - 1;
      const id = newId(isKey ? "ApiKey" : "Authtoken");
      if (!isKey || m >= ADMINISTRATORS) return { id, owner, hash: randomBytes(32), isKey };
      const { text, hash } = newToken("API_KEY", account.id);
      account.keys.push(text);
      return { id, owner, hash, isKey };
    }),
  );
  await client.query(
    `insert into credentials (account_id, id, kind, membership_id, description, metadata,
       secret_hash, last_four, last_used_at, created_at)
     select $1, id, case when is_key then 'API_KEY' else 'AUTHTOKEN' end, owner,
       'Credential number ' || i, '', hash, right(id, 4), now(), now()
     from unnest($2::text[], $3::text[], $4::bytea[], $5::boolean[])
       with ordinality t(id, owner, hash, is_key, i)`,
    [
      account.id,
      rows.map(({ id }) => id),
      rows.map(({ owner }) => owner),
      rows.map(({ hash }) => hash),
      rows.map(({ isKey }) => isKey),
    ],
  );
}

/** Events of everyday size, spread over all accounts, so that writes meet indexes of some depth. */
async function addEvents(client: Client, accounts: { id: string; members: string[] }[]) {
  for (let begun = 0; begun < EVENTS; begun += CHUNK) {
    const places = Array.from({ length: CHUNK }, (_, i) => accounts[(begun + i) % ACCOUNTS]!);
    await client.query(
      `insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
         principal_subject, surface, object_id, object, changes, decision, ip, request_id)
       select m.account_id, e.id, 'member_roles_updated.v1', now(), 'USER', m.user_id,
         'somebody@example.com', 'API', m.id,
         jsonb_build_object('id', m.id, 'accountId', m.account_id, 'team', 'MANAGER'),
         '{"team": ["READ_ONLY", "MANAGER"]}',
         '{"action": "updateRoles", "allowed": true, "roles": ["administrator"], "methods": []}',
         '192.0.2.7', 'req_' || e.i
       from unnest($1::text[], $2::text[], $3::text[]) with ordinality e(id, account_id, member, i)
         join memberships m on m.account_id = e.account_id and m.id = e.member`,
      [
        ids("Event", CHUNK),
        places.map(({ id }) => id),
        places.map(({ members }, i) => members[(begun + i * 7) % MEMBERS]),
      ],
    );
  }
}

function ids(kind: Parameters<typeof newId>[0], count: number): string[] {
  return Array.from({ length: count }, () => newId(kind));
}
