import { useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  aServiceUser,
  aSession,
} from "../support/factories";
import { accountsCalled, withCondition } from "../support/gate";
import { type Sender, serve, type Served } from "../support/http";

const WARNED = "Warned";
let compiled: Served;
let resolved: Served;
let quiet: Sender;
let accountId: string;
let memberId: string;
const senders: [who: string, sender: Sender][] = [];

beforeAll(async () => {
  await useDatabase();
  compiled = await serve();
  resolved = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
  const account = await anAccount({ name: WARNED });
  const member = await aMember(account, ADMINISTRATOR);
  accountId = account.id;
  memberId = (await aMember(account)).id;
  await aMember(await anAccount(), {}, { userId: member.userId });
  senders.push(
    ["an API key", { token: (await aCredential(member)).secret }],
    ["a session", { token: (await aSession(member.userId)).token }],
    ["a service user", { token: (await aCredential(await aServiceUser(account))).secret }],
  );
  quiet = { token: (await aCredential(await aMember(await anAccount()))).secret };
});

/** Warnings of the same question: by resolvers, within Apollo, ahead of it, and ahead again. */
async function warningsOf(query: string, variables: Record<string, unknown>, sender: Sender) {
  const answers = [
    await resolved.ask(query, variables, sender),
    await compiled.ask(query, variables, sender),
    await compiled.ask(query, variables, sender),
    await compiled.ask(query, variables, sender),
  ];
  const [first, ...more] = answers.map(({ data, extensions }) => [data, extensions]);
  expect(first![0]).not.toBeUndefined();
  for (const other of more) expect(other).toEqual(first);
  return answers[0]!.extensions!["warnings"];
}

const ACCOUNT = "query ($id: ID!) { account(id: $id) { id name } }";

it("R2: what the gate warns of is told once, in every way of answering", async () => {
  await withCondition(accountsCalled(WARNED, "warned of"), async () => {
    const told = [{ code: "IP_RESTRICTED", message: expect.any(String) as string, accountId }];
    const twice = "query ($id: ID!) { account(id: $id) { id } again: account(id: $id) { name } }";
    for (const [, sender] of senders) {
      expect(await warningsOf(ACCOUNT, { id: accountId }, sender)).toEqual(told);
      expect(await warningsOf(twice, { id: accountId }, sender)).toEqual(told);
    }
    const node = "query ($id: ID!) { node(id: $id) { id } }";
    for (const [, sender] of senders) {
      expect(await warningsOf(node, { id: memberId }, sender)).toEqual(told);
    }
    const { data, extensions } = await compiled.ask(
      `mutation ($id: ID!) { disableMember(input: { memberId: $id }) { member { id } } }`,
      { id: memberId },
      senders[0]![1],
    );
    expect(data).toEqual({ disableMember: { member: { id: memberId } } });
    expect(extensions!["warnings"]).toEqual(told);
  });
});

it("R2: it warns a caller of no account that the question does not enter", async () => {
  await withCondition(accountsCalled(WARNED, "warned of"), async () => {
    for (const [, sender] of senders) {
      expect(await warningsOf("{ viewer { surface } }", {}, sender)).toBeUndefined();
    }
    expect(await warningsOf(ACCOUNT, { id: accountId }, quiet)).toBeUndefined();
  });
});

it("tells no warnings where there are none", async () => {
  for (const [, sender] of senders) {
    expect(await warningsOf(ACCOUNT, { id: accountId }, sender)).toBeUndefined();
  }
});
