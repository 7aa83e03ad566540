import { isDeepStrictEqual } from "node:util";
import { conditions } from "../../src/policies/gate";
import { flights, sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  aServiceUser,
  aSession,
  DEVELOPER,
} from "../support/factories";
import { OF_GATE } from "../support/gate";
import { type Answer, type Sender, serve, type Served } from "../support/http";

// A caller who is remembered writes as one who is looked up first: the statement that holds the
// account finds out. Two servers, one of which remembers nobody, are asked the same of two accounts alike.
let remembering: Served;
let asking: Served;

beforeAll(async () => {
  await useDatabase();
  remembering = await serve();
  asking = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
});

/** An account with all that the documents name. */
interface Twin {
  at: Served;
  sender: Sender;
  /** What the names in a change or a document stand for. */
  names: Record<string, string>;
}

const DOCUMENTS: Record<string, string> = {
  "a change": `updateAccount(input: { accountId: $a, name: "New" }) {
    account { name can { update seeAllEvents } } userErrors { code } }`,
  "two changes, and what may be done then": `
    first: disableMember(input: { memberId: $o }) { member { status can { enable disable } } userErrors { code } }
    second: enableMember(input: { memberId: $o }) { member { status can { enable disable } } userErrors { code } }`,
  "a change of one's own roles": `
    first: updateMemberRoles(input: { memberId: $m, roles: { billing: ACCESS } }) {
      member { roles { billing } can { disable updateRoles } } userErrors { code } }
    second: updateAccount(input: { accountId: $a, name: "Newer" }) { account { name } userErrors { code } }`,
  "bad input": `updateAccount(input: { accountId: $a, name: "" }) { account { name } userErrors { code field } }`,
  "what is not there": `disableMember(input: { memberId: "mem_01jc0000000000000000000000" }) { member { id } userErrors { code } }`,
  "another account": `updateAccount(input: { accountId: "ac_01jc0000000000000000000000", name: "x" }) { account { name } userErrors { code } }`,
  "one's own": `createAccount(input: { name: "Mine" }) { account { name } userErrors { code } }`,
  "what signs in": `signIn(input: { email: "nobody@example.com", password: "x" }) { userErrors { code } }`,
};

async function twins(key: (account: Twin["names"]) => Promise<string>): Promise<Twin[]> {
  return Promise.all(
    [remembering, asking].map(async (at) => {
      const account = await anAccount({ name: "Before" });
      const member = await aMember(account, { ...DEVELOPER, ...ADMINISTRATOR });
      await aMember(account, ADMINISTRATOR);
      const other = await aMember(account);
      const names = { a: account.id, m: member.id, u: member.userId, o: other.id };
      return { at, sender: { token: await key(names) }, names };
    }),
  );
}

const withNames = (text: string, names: Twin["names"]) =>
  text.replace(/\$(\w)\b/g, (_, name: string) => JSON.stringify(names[name]));

/** Without what differs between twins. */
function leveled(value: unknown, { names }: Twin): unknown {
  let text = JSON.stringify(value);
  for (const [name, id] of Object.entries(names)) text = text.replaceAll(id, `$${name}`);
  return JSON.parse(
    text
      .replace(/\b([a-z]{2,3})_[0-9a-z]{26}\b/g, "$1")
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "time")
      .replace(/[0-9a-z]{20}@new\.example/g, "new email")
      .replace(/(bot |User )\w+/g, "$1")
      .replace(/("lastFour":\[null,)"\w+"/g, '$1"last"'),
  );
}

const asked = ({ at, sender, names }: Twin, document: string): Promise<Answer> =>
  at.ask(withNames(`mutation { ${document} }`, names), {}, sender);

/** All that was left behind. */
async function leftIn(twin: Twin): Promise<unknown> {
  const { names } = twin;
  const events = await sqlAsOwner(
    `select type, principal_subject, decision, changes from events where account_id = $1 order by id`,
    [names["a"]],
  );
  const own = await sqlAsOwner(
    "select type, decision from user_events where user_id = $1 order by id",
    [names["u"]],
  );
  const rows = await sqlAsOwner(
    `select a.name, m.disabled_at is null as enabled, m.administrator, m.billing
     from accounts a join memberships m on m.account_id = a.id where a.id = $1 order by m.id`,
    [names["a"]],
  );
  return leveled({ events, own, rows }, twin);
}

/** Both answer and leave the same. */
async function sameOfBoth(both: Twin[], document: string): Promise<Answer> {
  await sqlAsOwner("delete from throttles");
  const [one, other] = [await asked(both[0]!, document), await asked(both[1]!, document)];
  const of = ({ status, data, errors }: Answer, twin: Twin) =>
    leveled({ status, data, errors }, twin);
  expect(of(one, both[0]!)).toEqual(of(other, both[1]!));
  // A refusal is written behind its answer.
  const leftInBoth = () => Promise.all(both.map(leftIn));
  let left = await leftInBoth();
  for (let i = 0; i < 100 && !isDeepStrictEqual(left[0], left[1]); i++) {
    await new Promise((done) => setTimeout(done, 50));
    left = await leftInBoth();
  }
  expect(left[0]).toEqual(left[1]);
  return one;
}

async function change(both: Twin[], statement: string): Promise<void> {
  for (const { names } of both) {
    const values: string[] = [];
    const text = statement.replace(/\$(\w)/g, (_, name: string) => `$${values.push(names[name]!)}`);
    await sqlAsOwner(text, values);
  }
}

const CHANGES = [
  "update memberships set administrator = false where id = $m",
  "update memberships set team = 'MANAGER' where id = $m",
  "update memberships set administrator = true where id = $m",
  "update users set email = right($u, 20) || '@new.example' where id = $u",
  "update users set name = 'Another' where id = $u",
  "update users set email_verified_at = null where id = $u",
  ...conditions.flatMap(({ name }) => OF_GATE[name]!.map(([, statement]) => statement)),
  "update accounts set deleted_at = now() where id = $a",
  "update accounts set deleted_at = null where id = $a",
  "update memberships set removed_at = now() where id = $m",
  "update memberships set removed_at = null where id = $m",
  "update credentials set expires_at = now() where membership_id = $m",
  "update credentials set expires_at = null where membership_id = $m",
  "update credentials set revoked_at = now() where membership_id = $m",
];

it.each(Object.keys(DOCUMENTS))(
  "Y1, C7: %s by a key that is remembered is as by one that is looked up, whatever changed",
  async (name) => {
    const both = await twins(
      async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
    );
    await sameOfBoth(both, DOCUMENTS[name]!);
    for (const statement of CHANGES) {
      await sameOfBoth(both, DOCUMENTS[name]!);
      await change(both, statement);
      const { status, codes } = await sameOfBoth(both, DOCUMENTS[name]!);
      if (statement.includes("revoked"))
        expect([status, codes]).toEqual([401, ["UNAUTHENTICATED"]]);
    }
  },
);

/** Waits until a statement waits for a row. */
async function isBlocked(): Promise<void> {
  for (let blocked = 0; !blocked; await new Promise((done) => setTimeout(done, 10))) {
    const rows = await sqlAsOwner(`select from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`);
    blocked = rows.length;
  }
}

it("S1: a service user's key writes by its present role", async () => {
  const both = await twins(async ({ a }) => {
    const bot = await aServiceUser({ id: a } as never);
    return (await aCredential(bot)).secret;
  });
  const document = `createAuthtoken(input: { accountId: $a, description: "x" }) { authtoken { description } userErrors { code } }`;
  await sameOfBoth(both, document);
  for (const statement of [
    "update service_users set developer = 'READ_ONLY' where account_id = $a",
    "update service_users set developer = 'READ_WRITE' where account_id = $a",
    "update service_users set name = 'renamed' where account_id = $a",
    "update service_users set disabled_at = now() where account_id = $a",
    "update service_users set disabled_at = null where account_id = $a",
    "update service_users set deleted_at = now() where account_id = $a",
  ]) {
    await change(both, statement);
    await sameOfBoth(both, document);
  }
});

it("M4, Y5: the second change of a document is answered with what the first left, for whoever asks", async () => {
  const demote = `
    first: updateMemberRoles(input: { memberId: $m, roles: { administrator: false } }) {
      member { roles { administrator } can { updateRoles disable } } userErrors { code } }
    second: updateAccount(input: { accountId: $a, name: "After" }) {
      account { name can { update } } userErrors { code } }`;
  const senders: ((names: Twin["names"]) => Promise<string>)[] = [
    async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
    async ({ u }) => (await aSession(u!)).token,
  ];
  for (const sender of senders) {
    for (const remembered of [false, true]) {
      const both = await twins(sender);
      if (remembered) for (let i = 0; i < 2; i++) await sameOfBoth(both, DOCUMENTS["a change"]!);
      const { data, codes } = await sameOfBoth(both, demote);
      expect(data).toMatchObject({
        first: {
          member: { roles: { administrator: false }, can: { updateRoles: false, disable: false } },
        },
        second: null,
      });
      expect(codes).toEqual(["FORBIDDEN"]);
    }
  }
});

it("M4: a key that loses its role while it waits for the account has lost it", async () => {
  const both = await twins(
    async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
  );
  await sameOfBoth(both, DOCUMENTS["a change"]!);
  const [{ at, sender, names }] = both as [Twin];
  for (const [lost, code] of [
    ["update memberships set administrator = false, team = 'READ_ONLY' where id = $m", "FORBIDDEN"],
    ["update credentials set revoked_at = now() where membership_id = $m", "UNAUTHENTICATED"],
  ] as const) {
    const before = await sqlAsOwner("select name from accounts where id = $1", [names["a"]]);
    await sqlAsOwner(`begin; select from accounts where id = '${names["a"]}' for update`);
    const waiting = at.ask(
      withNames(
        `mutation { updateAccount(input: { accountId: $a, name: "Late" }) { account { name } userErrors { code } } }`,
        names,
      ),
      {},
      sender,
    );
    await isBlocked();
    await change([both[0]!], lost);
    await sqlAsOwner("commit");
    expect((await waiting).codes).toEqual([code]);
    expect(await sqlAsOwner("select name from accounts where id = $1", [names["a"]])).toEqual(
      before,
    );
  }
});

it("looks up a key that is remembered in the statement that holds the account", async () => {
  const [twin] = (await twins(
    async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
  )) as [Twin];
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) {
    statements.length = 0;
    await twin.at.ask(
      withNames(`mutation { ${DOCUMENTS["a change"]} }`, twin.names),
      {},
      twin.sender,
    );
    counts.push(statements.filter((text) => text.includes("from credentials p")).length);
  }
  expect(counts).toEqual([1, 0, 0]);
});

it("sends a change in two flights: what locks, with BEGIN, and what writes, with COMMIT", async () => {
  const [{ at, sender, names }] = (await twins(
    async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
  )) as [Twin];
  await at.ask(
    withNames("mutation { disableMember(input: { memberId: $o }) { member { id } } }", names),
    {},
    sender,
  );
  flights.length = 0;
  const { data } = await at.ask(
    withNames("mutation { enableMember(input: { memberId: $o }) { member { status } } }", names),
    {},
    sender,
  );
  expect(data).toEqual({ enableMember: { member: { status: "ACTIVE" } } });
  expect(
    flights.map((texts) => texts.map((text) => text.trim().split(/\s+/, 2).join(" "))),
  ).toEqual([
    ["begin", "select a.id", "select row.account_id"],
    ["with saved", "commit"],
  ]);
});

it("M4: locks a row anew for a caller whose standing changed while they waited for the account", async () => {
  const both = await twins(
    async ({ a, m }) => (await aCredential({ accountId: a, id: m } as never)).secret,
  );
  const [{ at, sender, names }] = both as [Twin];
  const { credential } = await aCredential({ accountId: names["a"], id: names["o"] } as never);
  const { id } = credential;
  await sqlAsOwner(`begin; select from accounts where id = '${names["a"]}' for update`);
  flights.length = 0;
  const waiting = at.ask(
    `mutation { revokeCredential(input: { credentialId: "${id}" }) { credential { id } userErrors { code } } }`,
    {},
    sender,
  );
  await isBlocked();
  const lost =
    "update memberships set administrator = false, developer = 'READ_ONLY' where id = $m";
  await change([both[0]!], lost);
  await sqlAsOwner("commit");
  expect((await waiting).codes).toEqual(["FORBIDDEN"]);
  const locking = flights.filter((texts) => texts.at(-1)!.includes("for no key update of row"));
  expect(locking.map((texts) => texts.length)).toEqual([3, 1]);
  const [after] = await sqlAsOwner("select revoked_at from credentials where id = $1", [id]);
  expect(after).toEqual({ revoked_at: null });
});
