import { conditions } from "../../src/policies/gate";
import { sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  aCredential,
  aMember,
  anAccount,
  aServiceUser,
  aSession,
  DEVELOPER,
} from "../support/factories";
import { accountsCalled, type Change, OF_GATE, withCondition } from "../support/gate";
import { type Sender, serve, type Served } from "../support/http";

let compiled: Served;
let resolved: Served;

beforeAll(async () => {
  await useDatabase();
  compiled = await serve();
  resolved = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
});

const DOCUMENT = `query ($id: ID!) {
  viewer {
    surface
    can { createAccount }
    memberships { nodes { accountName access { granted code message } account { id can { update } } } }
  }
  account(id: $id) { name can { update seeAllEvents } members { nodes { id can { disable } } } }
}`;

const OF_MEMBERSHIP: Change[] = [
  ["becomes no administrator", "update memberships set administrator = false where id = $m"],
  ["becomes one again", "update memberships set administrator = true where id = $m"],
  ["gets another developer role", "update memberships set developer = 'READ_ONLY' where id = $m"],
  ["gets another team role", "update memberships set team = 'MANAGER' where id = $m"],
  ["gets another billing role", "update memberships set billing = 'ACCESS' where id = $m"],
  ["has an unverified email", "update users set email_verified_at = null where id = $u"],
  ["has it verified again", "update users set email_verified_at = now() where id = $u"],
  ...conditions.flatMap(({ name }) => OF_GATE[name] ?? []),
  ["finds the account closed", "update accounts set deleted_at = now() where id = $a"],
  ["finds it open again", "update accounts set deleted_at = null where id = $a"],
  ["is removed", "update memberships set removed_at = now() where id = $m"],
  ["is back", "update memberships set removed_at = null where id = $m"],
];
const OF_KEY: Change[] = [
  ["has the key expire", "update credentials set expires_at = now() where id = $p"],
  ["has it work again", "update credentials set expires_at = null where id = $p"],
  ["has it revoked", "update credentials set revoked_at = now() where id = $p"],
];
const OF_SESSION: Change[] = [
  [
    "has the session idle",
    "update sessions set last_used_at = now() - interval '15 d' where id = $p",
  ],
  ["has used it just now", "update sessions set last_used_at = now() where id = $p"],
  ["has it expire", "update sessions set expires_at = now() where id = $p"],
  ["has it last longer", "update sessions set expires_at = now() + interval '1 d' where id = $p"],
  ["has it ended", "update sessions set ended_at = now() where id = $p"],
];

/** Both ways of answering say the same, at the very next request. */
async function sameFromBoth(sender: Sender, id: string): Promise<string> {
  // A key that ended counts as a guess, and a wait would not be the same from both.
  await sqlAsOwner("delete from throttles");
  const [fast, slow] = [
    await compiled.ask(DOCUMENT, { id }, sender),
    await resolved.ask(DOCUMENT, { id }, sender),
  ];
  expect(fast.status).toBe(slow.status);
  expect([fast.data, fast.errors]).toEqual([slow.data, slow.errors]);
  return fast.text;
}

it("Y2: has a change for every condition of the gate", () => {
  expect(Object.keys(OF_GATE)).toEqual(conditions.map(({ name }) => name));
});

async function follow(changes: Change[], names: Record<string, string>, sender: Sender) {
  const answers = [await sameFromBoth(sender, names["a"]!)];
  for (const [, statement] of changes) {
    // Known by now: what follows is asked of a guess that is wrong.
    await sameFromBoth(sender, names["a"]!);
    const values: string[] = [];
    const text = statement.replace(/\$(\w)/g, (_, name: string) => `$${values.push(names[name]!)}`);
    await sqlAsOwner(text, values);
    answers.push(await sameFromBoth(sender, names["a"]!));
  }
  return answers;
}

async function anAdministrator() {
  const account = await anAccount();
  const member = await aMember(account, { ...DEVELOPER, administrator: true });
  return { account, member, names: { a: account.id, m: member.id, u: member.userId } };
}

it("Y1, C7: an API key's reads see every change of its owner at the next request", async () => {
  const { member, names } = await anAdministrator();
  const { credential, secret } = await aCredential(member);
  const changes = [...OF_MEMBERSHIP, ...OF_KEY];
  const answers = await follow(changes, { ...names, p: credential.id }, { token: secret });

  // Not one of them but changes what the caller is told, save roles that no field here tells.
  const told = changes.filter((_, i) => answers[i] !== answers[i + 1]).map(([what]) => what);
  expect(told).toEqual(
    changes.map(([what]) => what).filter((what) => !/role|email|verified/.test(what)),
  );
});

it("U9, M4: a session's reads see every change at the next request", async () => {
  const { names } = await anAdministrator();
  const { id, token } = await aSession(names.u);
  const before = await sameFromBoth({ token }, names.a);
  await aMember(await anAccount({ name: "Another" }), {}, { userId: names.u });
  const after = await sameFromBoth({ token }, names.a);
  expect([before, after].map((text) => text.includes("Another"))).toEqual([false, true]);
  const changes = [...OF_MEMBERSHIP, ...OF_SESSION];
  await follow(changes, { ...names, p: id }, { token });
  const cookie = (await aSession(names.u)).token;
  await follow(OF_MEMBERSHIP.slice(0, 3), names, { cookie });
});

it("S1: a service user's reads see its role, its end and its disabling at once", async () => {
  const account = await anAccount();
  const bot = await aServiceUser(account);
  const { secret } = await aCredential(bot);
  const names = { a: account.id, m: bot.id };
  await follow(
    [
      ["", "update service_users set developer = 'READ_ONLY' where id = $m"],
      ["", "update service_users set disabled_at = now() where id = $m"],
      ["", "update service_users set disabled_at = null where id = $m"],
      ["", "update service_users set deleted_at = now() where id = $m"],
    ],
    names,
    { token: secret },
  );
});

it("Y2: a condition that joins the gate is seen by reads at the next request", async () => {
  await withCondition(accountsCalled("Shut", "refused"), async () => {
    const was = [compiled, resolved] as const;
    // New servers, since statements are prepared for the conditions there are.
    compiled = await serve();
    resolved = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
    try {
      const { account, member, names } = await anAdministrator();
      const senders = [
        { token: (await aCredential(member)).secret },
        { token: (await aSession(names.u)).token },
        { token: (await aCredential(await aServiceUser(account))).secret },
      ];
      const changes: Change[] = [
        ["finds it shut", "update accounts set name = 'Shut' where id = $a"],
        ["finds it open", "update accounts set name = 'Open' where id = $a"],
      ];
      for (const sender of senders) {
        const answers = await follow(changes, names, sender);
        const shut = answers.map((text) => text.includes("No one enters an account called Shut."));
        expect(shut).toEqual([false, true, false]);
      }
    } finally {
      [compiled, resolved] = was;
    }
  });
});

it("is one statement from the second request on, whoever asks and however much", async () => {
  const { member, names } = await anAdministrator();
  for (let i = 0; i < 5; i++) await aCredential(await aMember({ id: names.a } as never));
  const senders = [
    { token: (await aCredential(member)).secret },
    { token: (await aSession(names.u)).token },
    { cookie: (await aSession(names.u)).token },
  ];
  for (const sender of senders) {
    await compiled.ask(DOCUMENT, { id: names.a }, sender);
    statements.length = 0;
    await compiled.ask(DOCUMENT, { id: names.a }, sender);
    expect(statements).toHaveLength(1);
  }
});

it("C3: notes the use of a key that is known, at most once a minute", async () => {
  const { member, names } = await anAdministrator();
  const { credential, secret } = await aCredential(member);
  const ask = () => compiled.ask(DOCUMENT, { id: names.a }, { token: secret });
  await ask();
  await ask();
  const used = () =>
    sqlAsOwner<{ at: Date }>("select last_used_at as at from credentials where id = $1", [
      credential.id,
    ]);
  const [before] = await used();
  jest.useFakeTimers({
    now: Date.now() + 61_000,
    doNotFake: [
      "setTimeout",
      "setImmediate",
      "nextTick",
      "setInterval",
      "clearTimeout",
      "clearInterval",
      "clearImmediate",
      "queueMicrotask",
      "performance",
      "hrtime",
    ],
  });
  try {
    statements.length = 0;
    await ask();
    await ask();
    expect(statements.filter((text) => text.includes("update credentials"))).toHaveLength(1);
  } finally {
    jest.useRealTimers();
  }
  await new Promise((done) => setTimeout(done, 100));
  const [after] = await used();
  expect(after!.at.getTime()).toBeGreaterThan(before!.at.getTime());
});

it("answers a statement whose time is over, and does not ask again", async () => {
  const { member, names } = await anAdministrator();
  const { secret } = await aCredential(member);
  const ask = () => compiled.ask(DOCUMENT, { id: names.a }, { token: secret });
  await ask();

  statements.length = 0;
  await sqlAsOwner("begin; lock table users in access exclusive mode");
  const answer = ask();
  try {
    // What PostgreSQL does by itself after `statement_timeout`.
    for (let ended = 0; ended === 0; await new Promise((done) => setTimeout(done, 20))) {
      const cancelled = await sqlAsOwner(`select pg_cancel_backend(pid) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`);
      ended = cancelled.length;
    }
    const { status, codes } = await answer;
    expect([status, codes]).toEqual([400, ["QUERY_TOO_COMPLEX"]]);
    expect(statements).toHaveLength(1);
  } finally {
    await sqlAsOwner("rollback");
  }
  expect((await ask()).status).toBe(200);
});
