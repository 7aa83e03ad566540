import { isDeepStrictEqual } from "node:util";
import type { Context } from "../../src/context/context";
import type { Account } from "../../src/entities/Account";
import { SocialProvider } from "../../src/entities/Identity";
import type { Membership } from "../../src/entities/Membership";
import { SignInMethod } from "../../src/entities/Session";
import type { User } from "../../src/entities/User";
import {
  databaseTime,
  issueChallenge,
  issueReset,
  keepEmailChange,
  renewConfirmation,
} from "../../src/identity/oneTimeTokens";
import { hashPassword } from "../../src/identity/passwords";
import { newId } from "../../src/ids";
import { createAccount } from "../../src/operations/accounts/createAccount";
import { deleteAccount } from "../../src/operations/accounts/deleteAccount";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import { confirmTotp } from "../../src/operations/authenticators/confirmTotp";
import { disableTotp } from "../../src/operations/authenticators/disableTotp";
import { enrollTotp } from "../../src/operations/authenticators/enrollTotp";
import { regenerateRecoveryCodes } from "../../src/operations/authenticators/regenerateRecoveryCodes";
import { resetMfa } from "../../src/operations/authenticators/resetMfa";
import { createApiKey } from "../../src/operations/credentials/createApiKey";
import { revokeCredential } from "../../src/operations/credentials/revokeCredential";
import { unlinkIdentity } from "../../src/operations/identities/unlinkIdentity";
import { disableMember } from "../../src/operations/members/disableMember";
import { leaveAccount } from "../../src/operations/members/leaveAccount";
import { removeMember } from "../../src/operations/members/removeMember";
import { updateMemberRoles } from "../../src/operations/members/updateMemberRoles";
import { completeSignIn } from "../../src/operations/sessions/completeSignIn";
import { endOtherSessions } from "../../src/operations/sessions/endOtherSessions";
import { endUserSessions } from "../../src/operations/sessions/endUserSessions";
import { reauthenticate } from "../../src/operations/sessions/reauthenticate";
import { signOut } from "../../src/operations/sessions/signOut";
import { confirmEmail } from "../../src/operations/users/confirmEmail";
import { resetPassword } from "../../src/operations/users/resetPassword";
import { updatePassword } from "../../src/operations/users/updatePassword";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  anIdentity,
  asNobody,
  asOperator,
  aSession,
  aUser,
  DEVELOPER,
  withToken,
} from "../support/factories";
import { useMail } from "../support/mail";
import { codeOf } from "../support/races";
import { codeAt } from "../support/totp";

/** Where both of two operations wait before either writes an event: both have decided by then. */
const GATE = 4711;

beforeAll(useDatabase);
beforeAll(useMail);
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
  await sqlAsOwner(`create function wait_at_gate() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(${GATE}); return null; end $$`);
  for (const table of ["events", "user_events"]) {
    await sqlAsOwner(`create trigger gate before insert on ${table}
      for each statement execute function wait_at_gate()`);
  }
});

const PASSWORD = "seventeen purple walruses dance";

/** Ada and Ben run an account, in which Dee is a developer. Ada has all that a user can have. */
interface World {
  account: Account;
  ada: User;
  members: { ada: Membership; ben: Membership; dee: Membership };
  /** Requests of Ada's, in one session of hers and in another, and of Ben's. */
  session: () => Promise<Context>;
  other: () => Promise<Context>;
  ben: () => Promise<Context>;
  recoveryCodes: string[];
  /** A code of the app that Ada is setting up. */
  pending: string;
  identity: string;
  key: string;
  tokens: { challenge: string; reset: string; email: string };
}

async function aWorld(): Promise<World> {
  const account = await anAccount();
  const [ada, ben, dee] = [await aUser({ passwordHash }), await aUser(), await aUser()];
  const members = {
    ada: await aMember(account, ADMINISTRATOR, { userId: ada.id }),
    ben: await aMember(account, ADMINISTRATOR, { userId: ben.id }),
    dee: await aMember(account, DEVELOPER, { userId: dee.id }),
  };
  const { codes } = await anAuthenticator(ada.id);
  const { secret } = await anAuthenticator(ada.id, { confirmedAt: null });
  await anAuthenticator(ben.id);
  const [one, two] = [await aSession(ada.id), await aSession(ada.id)];
  const bens = await aSession(ben.id);
  const { token: challenge } = await issueChallenge(db, ada, [SignInMethod.PASSWORD], new Date());
  const requestedAt = (await databaseTime(db)).toISOString();
  const reset = await issueReset(db, ada, { id: newId("OneTimeToken"), requestedAt });
  const change = newId("OneTimeToken");
  await keepEmailChange(db, change, ada.id, `new-${ada.email}`, new Date());
  const email = await renewConfirmation(db, "UPDATE_EMAIL", change, null);
  return {
    ...{ account, ada, members, recoveryCodes: codes, pending: codeAt(secret, Date.now()) },
    session: () => withToken(one.token),
    other: () => withToken(two.token),
    ben: () => withToken(bens.token),
    identity: (await anIdentity(ada.id, { provider: SocialProvider.GITHUB })).id,
    key: (await aCredential(members.dee)).credential.id,
    tokens: { challenge, reset: reset!, email: email!.token },
  };
}

type Verb = [
  what: string,
  by: (world: World) => Promise<Context> | Context,
  act: (ctx: Context, world: World) => Promise<unknown>,
];

/** What reads or changes who Ada is, how she signs in, or what she may do. */
const VERBS: Verb[] = [
  [
    "requires MFA",
    (w) => w.session(),
    (c, w) => updateAccount(c, w.account.id, { mfaRequired: true }),
  ],
  [
    "has Ben require MFA",
    (w) => w.ben(),
    (c, w) => updateAccount(c, w.account.id, { mfaRequired: true }),
  ],
  ["disables MFA", (w) => w.session(), (c, w) => disableTotp(c, w.recoveryCodes[0]!)],
  ["enrolls an app", (w) => w.session(), (c, w) => enrollTotp(c, w.recoveryCodes[1]!)],
  ["confirms an app", (w) => w.other(), (c, w) => confirmTotp(c, w.pending)],
  [
    "renews recovery codes",
    (w) => w.session(),
    (c, w) => regenerateRecoveryCodes(c, w.recoveryCodes[2]!),
  ],
  [
    "has MFA reset",
    () => asOperator(),
    (c, w) => resetMfa(c, { email: w.ada.email, reason: "Lost" }),
  ],
  [
    "proves it anew",
    (w) => w.session(),
    (c, w) => reauthenticate(c, { password: PASSWORD, code: w.recoveryCodes[3]! }),
  ],
  [
    "completes a sign-in",
    () => asNobody(),
    (c, w) => completeSignIn(c, w.tokens.challenge, w.recoveryCodes[4]!),
  ],
  [
    "changes the password",
    (w) => w.other(),
    (c) => updatePassword(c, PASSWORD, `${PASSWORD} twice`),
  ],
  [
    "resets the password",
    () => asNobody(),
    (c, w) => resetPassword(c, w.tokens.reset, `${PASSWORD} thrice`),
  ],
  ["confirms another email", (w) => w.other(), (c, w) => confirmEmail(c, w.tokens.email)],
  ["unlinks an identity", (w) => w.session(), (c, w) => unlinkIdentity(c, w.identity)],
  ["ends other sessions", (w) => w.session(), (c) => endOtherSessions(c)],
  ["signs out", (w) => w.other(), (c) => signOut(c)],
  [
    "has all sessions ended",
    () => asOperator(),
    (c, w) => endUserSessions(c, { email: w.ada.email, reason: "Lost" }),
  ],
  ["creates an account", (w) => w.session(), (c) => createAccount(c, "Second")],
  ["leaves", (w) => w.session(), (c, w) => leaveAccount(c, w.account.id)],
  ["disables Ben", (w) => w.session(), (c, w) => disableMember(c, w.members.ben.id)],
  ["is removed by Ben", (w) => w.ben(), (c, w) => removeMember(c, w.members.ada.id)],
  [
    "is demoted by Ben",
    (w) => w.ben(),
    (c, w) => updateMemberRoles(c, w.members.ada.id, { administrator: false }),
  ],
  [
    "has Ben delete the account",
    (w) => w.ben(),
    (c, w) => deleteAccount(c, w.account.id, w.account.name),
  ],
  [
    "makes Dee a key",
    (w) => w.session(),
    (c, w) => createApiKey(c, w.account.id, { ownerId: w.members.dee.id }),
  ],
  ["revokes Dee's key", (w) => w.other(), (c, w) => revokeCredential(c, w.key)],
];

/** What came of two operations, by nothing that differs from one world to the next. */
interface Outcome {
  /** Which went through. Where both would refuse the other, the reason may be either's. */
  done: boolean[];
  state: unknown;
}

async function outcomeOf(world: World, codes: string[]): Promise<Outcome> {
  // Anything else, such as a circle of waiting, is a bug.
  for (const code of codes) expect(code).toMatch(/^(done|[A-Z_]+)$/);
  return { done: codes.map((code) => code === "done"), state: await stateOf(world) };
}

/** Everything about the people and the account but ids and times. What was refused counts apart. */
async function stateOf({ account, ada, members }: World): Promise<unknown> {
  const ids = [account.id, ada.id, members.ben.userId];
  const [row] = await sqlAsOwner(
    `with mine as (select account_id as id from memberships where user_id = $2 or account_id = $1)
    select
      (select jsonb_agg(jsonb_build_array(name, mfa_required, deleted_at is not null) order by id)
        from accounts where id in (select id from mine)) as accounts,
      (select jsonb_agg(jsonb_build_array(administrator, disabled_at is not null, removed_at is not null) order by id)
        from memberships where account_id in (select id from mine)) as members,
      (select jsonb_agg(jsonb_build_array(password_hash = $4, email like 'new-%', mfa_enabled_at is not null) order by id)
        from users where id in ($2, $3)) as users,
      (select jsonb_agg(jsonb_build_array(confirmed_at is not null, removed_at is not null, recovery_codes_left) order by id)
        from authenticators where user_id = $2) as authenticators,
      (select jsonb_agg(ended_at is null order by id) from sessions where user_id = $2) as sessions,
      (select jsonb_object_agg(purpose, live) from (
        select purpose, count(*) filter (where used_at is null) as live
        from one_time_tokens where user_id = $2 group by purpose) t) as tokens,
      (select count(*) from identities where user_id = $2) as identities,
      (select jsonb_agg(revoked_at is null order by id) from credentials where account_id = $1) as credentials,
      (select jsonb_object_agg(type, times) from (
        select type, count(*) as times from (
          select type from events where account_id in (select id from mine)
          union all select type from user_events where user_id in ($2, $3)) e
        where type not like '%refused%' group by type) t) as events`,
    [...ids, passwordHash],
  );
  return row;
}

const settle = (act: Promise<unknown>) => act.then(() => "done", codeOf);

async function oneAfterTheOther(first: Verb, second: Verb): Promise<Outcome> {
  const world = await aWorld();
  const [one, two] = [await first[1](world), await second[1](world)];
  const codes = [await settle(first[2](one, world)), await settle(second[2](two, world))];
  return outcomeOf(world, codes);
}

/** Both at once: each goes as far as its first event, or until it waits for the other. */
async function together(first: Verb, second: Verb): Promise<Outcome> {
  const world = await aWorld();
  const [one, two] = [await first[1](world), await second[1](world)];
  await sqlAsOwner("select pg_advisory_lock($1)", [GATE]);
  let settled = 0;
  const acts = [first[2](one, world), second[2](two, world)].map((act) =>
    settle(act).finally(() => settled++),
  );
  try {
    while (settled + (await waiting()) < 2) await new Promise((go) => setTimeout(go, 2));
  } finally {
    await sqlAsOwner("select pg_advisory_unlock($1)", [GATE]);
  }
  return outcomeOf(world, await Promise.all(acts));
}

async function waiting(): Promise<number> {
  const [row] = await sqlAsOwner<{ count: number }>(`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`);
  return row!.count;
}

const PAIRS = VERBS.flatMap((first, i) =>
  VERBS.slice(i).map((second): [string, string, Verb, Verb] => [
    first[0],
    second[0],
    first,
    second,
  ]),
);

describe("T4, M7, M9, U9: two operations at once leave what one after the other leaves", () => {
  it.each(PAIRS)("%s × %s", async (_first, _second, first, second) => {
    await sqlAsOwner("delete from throttles");
    const outcome = await together(first, second);

    const forth = await oneAfterTheOther(first, second);
    if (isDeepStrictEqual(outcome, forth)) return;
    const back = await oneAfterTheOther(second, first);
    back.done.reverse();
    expect([forth, back]).toContainEqual(outcome);
  });
});
