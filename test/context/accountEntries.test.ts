import { sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  aCredential,
  aMember,
  anAccount,
  aSession,
  DEVELOPER,
  withToken,
} from "../support/factories";
import { serve, type Served } from "../support/http";

let fast: Served;
let slow: Served;

beforeAll(async () => {
  await useDatabase();
  fast = await serve();
  slow = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
});

interface Entry {
  type: string;
  session_id: string;
  principal_id: string;
  decision: object;
  [key: string]: unknown;
}

const entriesOf = ({ id }: { id: string }) =>
  sqlAsOwner<Entry>(
    "select * from events where account_id = $1 and type = 'account_entered.v1' order by id",
    [id],
  );

async function aPerson() {
  const [here, there] = [await anAccount(), await anAccount()];
  const member = await aMember(here, { ...DEVELOPER, administrator: true });
  await aMember(there, {}, { userId: member.userId });
  return { here, there, member, ...(await aSession(member.userId, { entered: false })) };
}

const ACCOUNT = `query ($id: ID!) { account(id: $id) { name members { nodes { id } } } }`;

it("E5: entering an account with a session is an event of it, once, of each server", async () => {
  const { here, there, id, member, token } = await aPerson();
  for (const server of [fast, slow, fast]) {
    const { data } = await server.ask(ACCOUNT, { id: here.id }, { token });
    expect(data).toMatchObject({ account: { name: here.name } });
  }
  expect(await entriesOf(here)).toMatchObject([
    {
      session_id: id,
      principal_id: member.userId,
      surface: "DASHBOARD",
      object_id: here.id,
      ip: "127.0.0.1",
      decision: {
        ...{
          action: "enter",
          subject: { type: "Account", id: here.id },
          allowed: true,
          rule: null,
        },
        ...{ roles: ["administrator", "developer READ_WRITE"], methods: ["PASSWORD"] },
      },
    },
  ]);
  expect(await entriesOf(there)).toEqual([]);
});

it("E5: another session of the same person is another event", async () => {
  const { here, member, id, token } = await aPerson();
  const other = await aSession(member.userId, { entered: false });
  await fast.ask(ACCOUNT, { id: here.id }, { token });
  await fast.ask(ACCOUNT, { id: here.id }, { token: other.token });
  expect((await entriesOf(here)).map(({ session_id }) => session_id)).toEqual([id, other.id]);
});

it("E5: of many first requests at once, on two servers, one is recorded", async () => {
  const { here, token } = await aPerson();
  const requests = Array.from({ length: 12 }, (_, i) =>
    (i % 2 ? fast : slow).ask(ACCOUNT, { id: here.id }, { token }),
  );
  for (const { data } of await Promise.all(requests)) expect(data).toMatchObject({ account: {} });
  expect(await entriesOf(here)).toHaveLength(1);
});

const HERE: [
  how: string,
  query: string,
  variables: (of: Awaited<ReturnType<typeof aPerson>>) => object,
][] = [
  ["account(id)", ACCOUNT, ({ here }) => ({ id: here.id })],
  [
    "node(id) of the account",
    "query ($id: ID!) { node(id: $id) { id } }",
    ({ here }) => ({ id: here.id }),
  ],
  [
    "node(id) of a member",
    "query ($id: ID!) { node(id: $id) { id } }",
    ({ member }) => ({ id: member.id }),
  ],
  [
    "a mutation",
    'mutation ($id: ID!) { updateAccount(input: { accountId: $id, name: "Other" }) { account { id } } }',
    ({ here }) => ({ id: here.id }),
  ],
];

describe.each([
  ["compiled", () => fast],
  ["resolved", () => slow],
])("%s", (_, server) => {
  it.each(HERE)("E5: it is entered by %s", async (_how, query, variables) => {
    const person = await aPerson();
    const { errors } = await server().ask(query, variables(person) as never, person);
    expect(errors).toEqual([]);
    expect(await entriesOf(person.here)).toHaveLength(1);
    expect(await entriesOf(person.there)).toEqual([]);
  });

  it("E5: all are entered by whoever lists their accounts with what is in them", async () => {
    const { here, there, token } = await aPerson();
    const list = "{ viewer { memberships { nodes { account { name } } } } }";
    await server().ask(list, {}, { token });
    expect(await entriesOf(here)).toHaveLength(1);
    expect(await entriesOf(there)).toHaveLength(1);
  });

  it("E5: none is entered by whoever only asks where they may go, or for what is their own", async () => {
    const { here, there, member, token } = await aPerson();
    const list = `{ viewer { principal { id } sessions { nodes { id } } memberships { nodes {
      accountName access { granted } member { id user { name } } } } } }`;
    const { errors } = await server().ask(list, {}, { token });
    await server().ask(
      "query ($id: ID!) { node(id: $id) { id } }",
      { id: member.userId },
      { token },
    );
    expect(errors).toEqual([]);
    expect(await entriesOf(here)).toEqual([]);
    expect(await entriesOf(there)).toEqual([]);
  });

  it("E5: nor by whoever the gate keeps out, or who is not in it", async () => {
    const { here, there, member, token } = await aPerson();
    await sqlAsOwner("update memberships set disabled_at = now() where id = $1", [member.id]);
    const stranger = await aSession((await aMember(await anAccount())).userId, { entered: false });
    const all = "{ viewer { memberships { nodes { account { name } } } } }";
    expect((await server().ask(ACCOUNT, { id: here.id }, { token })).codes).toEqual([
      "MEMBER_DISABLED",
    ]);
    await server().ask(all, {}, { token });
    await server().ask(ACCOUNT, { id: here.id }, stranger);
    expect(await entriesOf(here)).toEqual([]);
    expect(await entriesOf(there)).toHaveLength(1);
  });
});

it("E5: an API key enters nothing: its events name it", async () => {
  const { here, member } = await aPerson();
  const { secret } = await aCredential(member);
  await fast.ask(ACCOUNT, { id: here.id }, { token: secret });
  expect(await entriesOf(here)).toEqual([]);
});

it("E5: it is on record before anything is shown, and nothing is shown where it can't be", async () => {
  const { here, member } = await aPerson();
  const ctx = await withToken((await aSession(member.userId, { entered: false })).token);
  await sqlAsOwner("revoke insert on entries from gatehouse_app");
  try {
    await expect(ctx.in(here.id)).rejects.toThrow("permission denied");
  } finally {
    await sqlAsOwner("grant insert on entries to gatehouse_app");
  }
  expect(await entriesOf(here)).toEqual([]);
});

it("asks nothing more from the second time on", async () => {
  const { here, token } = await aPerson();
  await fast.ask(ACCOUNT, { id: here.id }, { token });
  await fast.ask(ACCOUNT, { id: here.id }, { token });
  statements.length = 0;
  await fast.ask(ACCOUNT, { id: here.id }, { token });
  expect(statements).toHaveLength(1);
});

it("asks once for however many rows of an account", async () => {
  const { here, token } = await aPerson();
  for (let i = 0; i < 5; i++) await aMember(here);
  statements.length = 0;
  const nested = `query ($id: ID!) { account(id: $id) { members { nodes { can { disable } credentials { nodes { id } } } } } }`;
  await slow.ask(nested, { id: here.id }, { token });
  expect(statements.filter((text) => text.includes("insert into entries"))).toHaveLength(1);
});
