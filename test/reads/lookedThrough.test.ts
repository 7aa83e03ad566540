import { Client } from "pg";
import type { Account } from "../../src/entities/Account";
import type { User } from "../../src/entities/User";
import { db, sqlAsOwner, url, useDatabase } from "../support/database";
import { aCredential, ADMINISTRATOR, aMember, anAccount, aUser } from "../support/factories";
import { type Answer, serve, type Served } from "../support/http";
import { sql } from "../../src/database/sql";

// More members than are looked through, so that an index finds what they have too few of; and more
// than 5,000 events, so that what no index finds is refused.
let servers: [name: string, server: Served][];
let account: string;
let key: string;
const NAMES = ["Zoë Quux", "Łukasz Żak", "王伟", "Ann%Lee_", "O'Brien \\ Co", "a.b", "Xi"];
const MEMBERS = 1_500;
const EVENTS = 6_000;

const id = (prefix: string, n = "n") => `('${prefix}_0' || lpad((${n})::text, 25, '0'))`;

beforeAll(async () => {
  await useDatabase();
  servers = [
    ["compiled", await serve()],
    ["resolved", await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } })],
  ];
  account = (await anAccount()).id;
  const other = await anAccount();
  const admin = await aMember({ id: account } as Account, ADMINISTRATOR);
  key = (await aCredential(admin)).secret;
  await sqlAsOwner(`
    insert into users (id, email, name, created_at)
      select ${id("usr")}, n || '@jj.jjjj', 'Jjjj', now() from generate_series(1, ${MEMBERS}) n;
    insert into memberships (account_id, id, user_id, administrator, developer, team, billing,
        provisioning, created_at)
      select '${account}', ${id("mem")}, ${id("usr")}, false, 'READ_ONLY', 'READ_ONLY', 'NONE',
        'INVITATION', now() from generate_series(1, ${MEMBERS}) n;
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, object_id, ip, object, changes, decision)
      select '${account}', ${id("ev")}, 'often.v' || n % 2 + 1, now(), 'USER', ${id("usr", "n % 2 + 1")}, 'u',
        ${id("mem", "n % 2 + 1")}, ('192.0.2.' || n % 2)::inet, '{}', '{}', '{}'
      from generate_series(1, ${EVENTS}) n;
    analyze`);
  for (const [i, name] of NAMES.entries()) {
    await aPerson({ id: account } as Account, { name, email: `${i}00@9.9` });
  }
  await aPerson(other, { name: "Elsewhere" });
}, 60_000);

async function aPerson(where: Account, fields: Partial<User>): Promise<User> {
  const user = await aUser(fields);
  await aMember(where, {}, { userId: user.id });
  return user;
}

async function ask(selection: string, variables: object = {}, head = ""): Promise<Answer[]> {
  const document = `query ${head} { account(id: "${account}") { ${selection} } }`;
  const answers: Answer[] = [];
  for (const [, server] of servers) {
    answers.push(await server.ask(document, variables as Record<string, unknown>, { token: key }));
  }
  return answers;
}

/** The names that are found, which both ways of answering agree on. */
async function found(text: string): Promise<string[]> {
  const answers = await ask(
    "members(first: 100, filter: { text: $t }) { nodes { user { name } } }",
    { t: text },
    "($t: String!)",
  );
  const names = answers.map(({ data, errors }) => {
    expect(errors).toEqual([]);
    const { nodes } = (data as { account: { members: { nodes: { user: { name: string } }[] } } })
      .account.members;
    return nodes.map(({ user }) => user.name).sort();
  });
  expect(names[0]).toEqual(names[1]);
  return names[0]!;
}

/** Every piece of a name, as a person may type it. */
function piecesOf(name: string): string[] {
  const characters = [...name];
  const pieces = characters.flatMap((_, from) =>
    characters.map((_, to) => characters.slice(from, to + 1).join("")),
  );
  return [...new Set(pieces)].filter((one) => [...one.trim()].length > 1);
}

it.each(NAMES)("finds %s by every part of two characters and more", async (name) => {
  for (const piece of piecesOf(name)) {
    const part = piece.trim().toLowerCase();
    const expected = NAMES.filter((one) => one.toLowerCase().includes(part));
    const names = (await found(piece)).filter((one) => NAMES.includes(one));
    expect([piece, names]).toEqual([piece, expected.sort()]);
  }
});

it("finds nothing across a name and an email, nor of another account", async () => {
  for (const text of ["Jjjj\n1@", "\n", "Elsewhere", "elsewhere@"]) {
    expect([text, await found(text)]).toEqual([text, text === "\n" ? expect.anything() : []]);
  }
});

it("finds people by what they are called now, and not by what they were called", async () => {
  const user = await aPerson({ id: account } as Account, { name: "Before Marriage" });
  expect(await found("before marriage")).toEqual(["Before Marriage"]);
  await sqlAsOwner(
    "update users set name = 'After Marriage', email = 'after@wed.example' where id = $1",
    [user.id],
  );
  expect(await found("before marriage")).toEqual([]);
  expect(await found("after@wed")).toEqual(["After Marriage"]);
});

it("finds people whose name changes while they join, by the new one", async () => {
  for (const first of ["the name", "the member"]) {
    const user = await aUser({ name: "Old Racer" });
    const [naming, joining] = [
      new Client({ connectionString: url }),
      new Client({ connectionString: url }),
    ];
    await Promise.all([naming.connect(), joining.connect()]);
    const name = () => naming.query("update users set name = 'New Racer' where id = $1", [user.id]);
    const join = () =>
      joining.query(
        `insert into memberships (account_id, id, user_id, administrator, developer, team, billing,
           provisioning, created_at)
         select $1, 'mem_' || right($2, 26), $2, false, 'READ_ONLY', 'READ_ONLY', 'NONE', 'INVITATION', now()`,
        [account, user.id],
      );
    await Promise.all([naming.query("begin"), joining.query("begin")]);
    const [one, two] = first === "the name" ? [naming, joining] : [joining, naming];
    await (one === naming ? name() : join());
    const waiting = one === naming ? join() : name();
    await one.query("commit");
    await waiting;
    await two.query("commit");
    await Promise.all([naming.end(), joining.end()]);
    const [row] = await db.query<{ text: string }>(
      sql`select text from member_searches where id = ${`mem_${user.id.slice(4)}`}`,
    );
    expect(row!.text).toContain("new racer\n");
  }
});

const REFUSED = {
  codes: ["QUERY_TOO_COMPLEX"],
  errors: [{ message: expect.stringContaining("Narrow it") as string }],
};

it("answers one character that many have, and refuses one that an index would be needed for", async () => {
  for (const end of ENDS) {
    const members = `members(${end}: 5, filter: { text: "j" }) { nodes { id } }`;
    for (const { errors } of await ask(members)) expect(errors).toEqual([]);
  }
  for (const answer of await ask('members(first: 5, filter: { text: "王" }) { nodes { id } }')) {
    expect(answer).toMatchObject(REFUSED);
  }
});

const ENDS = ["first", "last"] as const;
const events = (filter: string, end: (typeof ENDS)[number] = "first") =>
  `events(${end}: 5, filter: { ${filter} }) { nodes { id } }`;
const [ONE, TWO] = ["usr_00000000000000000000000001", "usr_00000000000000000000000002"];
const MEMBER = "mem_00000000000000000000000001";

it.each([
  ["two that go together", `principalId: "${ONE}", ip: "192.0.2.0"`, 5],
  ["one that is rare", `principalId: "usr_00000000000000000000000009", ip: "192.0.2.0"`, 0],
  ["one that never occurred", `principalId: "${ONE}", ip: "203.0.113.9"`, 0],
  ["an object and another's principal", `principalId: "${TWO}", objectId: "${MEMBER}"`, 0],
  ["a type and another's address", 'types: ["often.v1"], ip: "192.0.2.1"', 0],
  ["a type and a principal", `types: ["often.v2"], principalId: "${TWO}"`, 5],
  [
    "all of them",
    `types: ["often.v1"], ip: "192.0.2.0", principalId: "${ONE}", objectId: "${MEMBER}"`,
    5,
  ],
])("answers %s, from either end", async (_name, filter, count) => {
  for (const end of ENDS) {
    const [compiled, resolved] = await ask(events(filter, end));
    expect(compiled).toMatchObject({ errors: [], data: resolved!.data });
    const { nodes } = (compiled!.data as { account: { events: { nodes: { id: string }[] } } })
      .account.events;
    expect(nodes).toHaveLength(count);
    expect(nodes).toEqual([...nodes].sort((a, b) => (a.id < b.id ? 1 : -1)));
  }
});

it("refuses conditions that are common each and rare together, until they are narrowed; an export goes on", async () => {
  await sqlAsOwner(`
    insert into events (account_id, id, type, occurred_at, principal_kind, principal_id,
        principal_subject, object_id, ip, object, changes, decision)
      select '${account}', ${id("ev", "n + 100000")}, 'often.v3', now() - interval '1 year', 'USER',
        ${id("usr", "n % 2 + 5")}, 'u', ${id("mem", "n % 2 + 5")}, ('192.0.2.' || n % 2 + 5)::inet,
        '{}', '{}', '{}'
      from generate_series(1, 10100) n`);
  const [five, another] = ["usr_00000000000000000000000005", "192.0.2.6"];
  const before = await sqlAsOwner("select count(*) from events");
  for (const end of ENDS) {
    for (const answer of await ask(events(`principalId: "${five}", ip: "${another}"`, end))) {
      expect(answer).toMatchObject(REFUSED);
    }
  }
  expect(await sqlAsOwner("select count(*) from events")).toEqual(before);
  for (const { errors } of await ask(
    events(`principalId: "${five}", ip: "${another}", from: "2026-01-01T00:00:00Z"`),
  )) {
    expect(errors).toEqual([]);
  }
  const exported = await servers[0]![1].fetch(
    `/accounts/${account}/events?principalId=${five}&ip=${another}`,
    { headers: { authorization: `Bearer ${key}` } },
  );
  expect([exported.status, (await exported.text()).trim()]).toEqual([200, ""]);
});
