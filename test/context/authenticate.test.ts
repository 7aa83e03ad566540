import { authenticate, noteUse, type Caller } from "../../src/context/authenticate";
import { CredentialKind } from "../../src/entities/Credential";
import { DeveloperRole } from "../../src/entities/roles";
import { newId } from "../../src/ids";
import { newToken } from "../../src/identity/tokens";
import { disableMember } from "../../src/operations/members/disableMember";
import { enableMember } from "../../src/operations/members/enableMember";
import { removeMember } from "../../src/operations/members/removeMember";
import { updateMemberRoles } from "../../src/operations/members/updateMemberRoles";
import { db, sqlAsOwner, statements, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  aSession,
  aUser,
  DEVELOPER,
  MANAGER,
  withToken,
} from "../support/factories";
import { atOnce, times } from "../support/races";
import { expectDenied, expectRefused } from "../support/refusals";

beforeAll(useDatabase);
// Keys that nobody has are counted, and what one test tries must not make another wait.
beforeEach(() => sqlAsOwner("delete from throttles"));

const REQUEST = { id: "req_test", ip: "198.51.100.9", userAgent: "jest" };
const asked = (token: string): Promise<Caller> => authenticate(db, token, REQUEST);

/** Counts from here on how often a row of the table has its last use written. */
async function countUses(table: "credentials" | "sessions"): Promise<() => Promise<number>> {
  await sqlAsOwner(`
    create table if not exists uses (row text);
    create or replace function count_use() returns trigger security definer language plpgsql as $$
      begin insert into public.uses values (new.id); return new; end $$;
    create or replace trigger count_use after update of last_used_at on ${table}
      for each row execute function count_use();
    truncate uses`);
  return async () => (await sqlAsOwner("select from uses")).length;
}

const noted = ({ principal, lastUsedAt }: Caller) => noteUse(db, principal, lastUsedAt, REQUEST);

/** What the server does behind each of these callers' backs, all at once. */
async function noteUses(callers: Caller[]): Promise<void> {
  for (const write of callers.map(noted)) await write;
}

describe("by API key", () => {
  it("C7: acts as its owner, with the roles held at that moment, in one statement", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential, secret } = await aCredential(member);
    await updateMemberRoles(await as(await aMember(account, ADMINISTRATOR)), member.id, MANAGER);

    statements.length = 0;
    const { principal, standing } = await asked(secret);

    expect(statements).toHaveLength(1);
    expect(principal).toMatchObject({
      kind: "USER",
      id: member.userId,
      surface: "API",
      credentialId: credential.id,
      accountId: account.id,
      sessionId: null,
      methods: [],
    });
    expect(standing).toMatchObject({ membershipId: member.id, roles: MANAGER });
  });

  it("S1: acts for a service user as a developer, and as nothing else", async () => {
    const bot = await aServiceUser(await anAccount());

    const { principal, standing } = await asked((await aCredential(bot)).secret);

    expect(principal).toMatchObject({
      kind: "SERVICE_USER",
      id: bot.id,
      subject: bot.name,
      emailVerified: false,
    });
    expect(standing).toMatchObject({ serviceUserId: bot.id, membershipId: null, roles: DEVELOPER });
  });

  it("S5: acts for a service user that may only read as a reader", async () => {
    const { READ_ONLY } = DeveloperRole;
    const bot = await aServiceUser(await anAccount(), { developer: READ_ONLY });

    const { standing } = await asked((await aCredential(bot)).secret);

    expect(standing!.roles).toMatchObject({ developer: "READ_ONLY", administrator: false });
  });

  it("M4: is refused at the next request after its owner is disabled, and works when enabled", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const member = await aMember(account, DEVELOPER);
    const { secret } = await aCredential(member);
    await expect(asked(secret)).resolves.toBeDefined();

    await disableMember(ctx, member.id);
    await expectDenied(account, () => asked(secret), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
    await enableMember(ctx, member.id);

    await expect(asked(secret)).resolves.toBeDefined();
  });

  it("S3: is refused while its service user is disabled, and for good when deleted", async () => {
    const account = await anAccount();
    const bot = await aServiceUser(account);
    const { secret } = await aCredential(bot);
    const set = (what: string) =>
      sqlAsOwner(`update service_users set ${what} where id = $1`, [bot.id]);

    await set("disabled_at = now()");
    await expectDenied(account, () => asked(secret), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
    await set("disabled_at = null");
    await expect(asked(secret)).resolves.toBeDefined();
    await set("deleted_at = now()");
    await expectRefused(() => asked(secret), { code: "UNAUTHENTICATED" });
  });

  it("M5: is refused at the next request after its owner is removed, and after they are back", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { secret } = await aCredential(member);

    await removeMember(await as(await aMember(account, ADMINISTRATOR)), member.id);
    await expectRefused(() => asked(secret), { code: "UNAUTHENTICATED" });
    await aMember(account, DEVELOPER, { userId: member.userId });

    await expectRefused(() => asked(secret), { code: "UNAUTHENTICATED" });
  });

  it.each([
    ["revoked", { revokedAt: new Date() }],
    ["past its time", { expiresAt: new Date(Date.now() - 1) }],
  ])("C3, C10: is refused when %s", async (_what, fields) => {
    const { secret } = await aCredential(await aMember(await anAccount()), fields);

    await expectRefused(() => asked(secret), { code: "UNAUTHENTICATED" });
  });

  it("M10: is refused when its account is deleted", async () => {
    const account = await anAccount({ deletedAt: new Date() });
    const { secret } = await aCredential(await aMember(account, ADMINISTRATOR));

    await expectRefused(() => asked(secret), { code: "UNAUTHENTICATED" });
  });

  it("C2: is refused when unknown, in an account that exists or not", async () => {
    const account = await anAccount();

    for (const id of [account.id, newId("Account")]) {
      const { text } = newToken("API_KEY", id);
      await expectRefused(() => asked(text), { code: "UNAUTHENTICATED" });
    }
  });

  it("C9: says of an authtoken that it is of the wrong kind, known or not", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const { secret } = await aCredential(member, { kind: CredentialKind.AUTHTOKEN });
    const unknown = newToken("AUTHTOKEN", newId("Account")).text;

    for (const token of [secret, unknown]) {
      await expectRefused(() => asked(token), { code: "WRONG_CREDENTIAL_KIND" });
    }
  });

  it("C9: lets no authtoken through that is dressed up as a key", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    // As if the checksum had been made for it: only the row still says what it is.
    const { text, hash } = newToken("API_KEY", member.accountId);
    await aCredential(member, { kind: CredentialKind.AUTHTOKEN, secretHash: hash });

    await expectRefused(() => asked(text), { code: "UNAUTHENTICATED" });
  });

  it("C2: tells a mistyped token without asking the database", async () => {
    const { secret } = await aCredential(await aMember(await anAccount()));
    const wrong = [
      "",
      "gak_",
      secret.slice(0, -1),
      `${secret}0`,
      secret.toUpperCase(),
      `x${secret}`,
    ];

    for (const token of wrong) {
      statements.length = 0;
      await expect(asked(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      expect(statements).toEqual([]);
    }
  });
});

describe("guessing API keys", () => {
  const guess = () => newToken("API_KEY", newId("Account")).text;
  const from = (ip: string, token = guess()) => authenticate(db, token, { ...REQUEST, ip });
  const throttles = () => sqlAsOwner("select * from throttles order by key");

  it("U10: is slowed down by network after a few, whatever the account", async () => {
    for (let i = 0; i < 6; i++)
      await expectRefused(() => asked(guess()), { code: "UNAUTHENTICATED" });
    const counted = await throttles();

    await expectRefused(() => asked(guess()), { code: "RATE_LIMITED", details: { retryAfter: 2 } });

    expect(await throttles()).toEqual(counted);
    await expect(from("198.51.100.10")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("U10: is counted for all of an IPv6 network", async () => {
    for (let i = 1; i <= 6; i++) {
      await expect(from(`2001:db8::${i}`)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    await expect(from("2001:db8::ffff")).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await expect(from("2001:db8:0:1::1")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("U10: is counted however many come at once", async () => {
    const { done, codes } = await atOnce(times(20, () => () => asked(guess())));

    expect([done, ...codes]).toEqual([
      0,
      ...times(14, () => "RATE_LIMITED"),
      ...times(6, () => "UNAUTHENTICATED"),
    ]);
  });

  it("U10: keeps no good key waiting, nor costs it a second statement", async () => {
    const { secret } = await aCredential(await aMember(await anAccount(), DEVELOPER));
    await atOnce(times(20, () => () => asked(guess())));
    const counted = await throttles();

    statements.length = 0;
    await expect(asked(secret)).resolves.toBeDefined();

    expect(statements).toHaveLength(1);
    expect(await throttles()).toEqual(counted);
    await expect(asked(guess())).rejects.toMatchObject({ code: "RATE_LIMITED" });
  });

  it("U10: is what a revoked or expired key looks like, and a mistyped or disabled one does not", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const disabled = await aMember(account, DEVELOPER, { disabledAt: new Date() });
    const { secret } = await aCredential(member);
    const { secret: unusable } = await aCredential(disabled);
    const tries = async (token: string) => {
      await sqlAsOwner("delete from throttles");
      await expect(asked(token)).rejects.toBeDefined();
      return (await throttles()).length > 0;
    };

    for (const fields of [{ revokedAt: new Date() }, { expiresAt: new Date(Date.now() - 1) }]) {
      expect(await tries((await aCredential(member, fields)).secret)).toBe(true);
    }
    for (const one of [secret.slice(0, -1), newToken("AUTHTOKEN", account.id).text, unusable]) {
      expect(await tries(one)).toBe(false);
    }
  });
});

describe("the last use", () => {
  it("C3: of a key is written once, however many requests come at once", async () => {
    const { credential, secret } = await aCredential(await aMember(await anAccount()), {
      lastUsedAt: null,
    });
    const uses = await countUses("credentials");

    const callers = await Promise.all(times(20, () => asked(secret)));
    await noteUses(callers);

    expect(await uses()).toBe(1);
    const [row] = await sqlAsOwner<{ last_used_at: Date; last_used_ip: string }>(
      "select last_used_at, host(last_used_ip) as last_used_ip from credentials where id = $1",
      [credential.id],
    );
    expect(row!.last_used_ip).toBe("198.51.100.9");
    expect(Math.abs(row!.last_used_at.getTime() - Date.now())).toBeLessThan(5_000);
  });

  it.each([
    [59, 0],
    [61, 1],
  ])("C3: of a key %i seconds ago makes %i writes", async (seconds, writes) => {
    const { secret } = await aCredential(await aMember(await anAccount()), {
      lastUsedAt: new Date(Date.now() - seconds * 1000),
    });
    const uses = await countUses("credentials");

    const callers = await Promise.all(times(5, () => asked(secret)));
    await noteUses(callers);

    expect(await uses()).toBe(writes);
    expect(callers.every((caller) => (noted(caller) === null) === (writes === 0))).toBe(true);
  });

  it("U9: of a session is written at most once a minute too", async () => {
    const { id, token } = await aSession((await aUser()).id);
    await sqlAsOwner("update sessions set last_used_at = now() - interval '61 s' where id = $1", [
      id,
    ]);
    const uses = await countUses("sessions");

    const callers = await Promise.all(times(20, () => asked(token)));
    await noteUses(callers);

    expect(await uses()).toBe(1);
    expect(noted(await asked(token))).toBeNull();
  });
});

describe("by session", () => {
  it("U9: is whoever signed in, in one statement", async () => {
    const user = await aUser({ emailVerifiedAt: null });
    const { id, token } = await aSession(user.id);

    statements.length = 0;
    const { principal, standing } = await asked(token);

    expect(statements).toHaveLength(1);
    expect(standing).toBeNull();
    expect(principal).toMatchObject({
      kind: "USER",
      id: user.id,
      subject: user.email,
      emailVerified: false,
      surface: "DASHBOARD",
      sessionId: id,
      accountId: null,
    });
  });

  it.each([
    ["13.9 days ago was its last use", "last_used_at = now() - interval '13.9 days'", true],
    ["14.1 days ago was its last use", "last_used_at = now() - interval '14.1 days'", false],
    ["its time is nearly over", "expires_at = now() + interval '10 s'", true],
    ["its time is over", "expires_at = now() - interval '1 ms'", false],
    ["it was ended", "ended_at = now()", false],
  ])("U9: when %s (%s), is good: %p", async (_what, set, good) => {
    const { id, token } = await aSession((await aUser()).id);
    await sqlAsOwner(`update sessions set ${set} where id = $1`, [id]);

    const outcome = asked(token);

    if (good) await expect(outcome).resolves.toBeDefined();
    else await expect(outcome).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("U9: lasts 90 days at most, however much it is used", async () => {
    const { id } = await aSession((await aUser()).id);

    const [row] = await sqlAsOwner(
      `select extract(epoch from expires_at - created_at)::int / 86400 as days from sessions
        where id = $1`,
      [id],
    );

    expect(row).toEqual({ days: 90 });
  });

  it("M4: enters every account but the one that disabled the user", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account, DEVELOPER);
    await aMember(other, DEVELOPER, { userId: member.userId });
    const { token } = await aSession(member.userId);

    await disableMember(await as(await aMember(account, ADMINISTRATOR)), member.id);
    const ctx = await withToken(token);

    await expectDenied(account, () => ctx.in(account.id), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
    await expect(ctx.in(other.id)).resolves.toBeDefined();
  });
});
