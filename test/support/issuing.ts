import { createHash } from "node:crypto";
import type { Context } from "../../src/context/context";
import type { Credential } from "../../src/entities/Credential";
import type { NewCredential } from "../../src/operations/steps/issueCredential";
import { sqlAsOwner } from "./database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  DEVELOPER,
  eventsOf,
  INVITER,
  MANAGER,
  READER,
  withToken,
} from "./factories";
import { whileWaiting } from "./races";
import {
  BILLING,
  expectDenied,
  expectNotFound,
  expectRefused,
  UNKNOWN,
  forgetRefusals,
} from "./refusals";

type Create = (
  ctx: Context,
  accountId: string,
  input: NewCredential,
) => Promise<{ credential: Credential; secret: string }>;

interface Kind {
  kind: "API_KEY" | "AUTHTOKEN";
  id: RegExp;
  secret: RegExp;
  type: string;
}

interface Stored {
  kind: string;
  membership_id: string | null;
  service_user_id: string | null;
  secret_hash: Buffer;
  [column: string]: unknown;
}

async function stored({ id }: { id: string }): Promise<Stored> {
  const [row] = await sqlAsOwner<Stored>("select * from credentials where id = $1", [id]);
  return row!;
}

async function credentialsIn({ id }: { id: string }): Promise<number> {
  return (await sqlAsOwner("select from credentials where account_id = $1", [id])).length;
}

const NOT_DEVELOPERS = [
  ["a team manager", MANAGER],
  ["a team inviter", INVITER],
  ["whoever has billing access", BILLING],
  ["a reader", READER],
] as const;

/** What holds of every operation that makes a credential. */
export function itIssues(create: Create, { kind, id, secret: shape, type }: Kind): void {
  const action = "create Credential";

  it("C2, E1, E2: makes one of the caller's own, and records it", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);

    const { credential, secret } = await create(await as(member), account.id, {
      description: "CI",
      metadata: '{"team":"é"}',
    });

    expect(credential.id).toMatch(id);
    expect(secret).toMatch(shape);
    expect(await stored(credential)).toMatchObject({
      account_id: account.id,
      kind,
      membership_id: member.id,
      service_user_id: null,
      description: "CI",
      metadata: '{"team":"é"}',
      last_four: secret.slice(-4),
      expires_at: null,
      revoked_at: null,
      last_used_at: null,
      last_used_ip: null,
    });
    expect(await eventsOf(account)).toMatchObject([
      {
        type,
        principal_id: member.userId,
        object_id: credential.id,
        object: { id: credential.id, kind, membershipId: member.id, description: "CI" },
        changes: { membershipId: [null, member.id], description: [null, "CI"] },
        decision: {
          action: "create",
          allowed: true,
          rule: "Developers create credentials of their own.",
          roles: ["developer READ_WRITE"],
        },
      },
    ]);
  });

  it("C2: keeps the secret's SHA-256 and last four characters, and nothing else of it", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);

    const { credential, secret } = await create(await as(member), account.id, {});

    const hash = createHash("sha256").update(secret).digest();
    expect((await stored(credential)).secret_hash.equals(hash)).toBe(true);
    // 52 characters of secret and 7 of checksum stand after the last "_".
    const part = secret.slice(secret.lastIndexOf("_") + 1);
    const [dump] = await sqlAsOwner<{ text: string }>(
      `select (select string_agg(c::text, '') from credentials c)
        || (select string_agg(e::text, '') from events e) as text`,
    );
    expect(dump!.text).not.toContain(part);
    expect(dump!.text).not.toContain(part.slice(0, 20));
    const events = JSON.stringify(await eventsOf(account));
    for (const encoding of ["hex", "base64"] as const) {
      expect(events).not.toContain(hash.toString(encoding));
    }
    expect(events).not.toContain("secretHash");
  });

  it("C1, C12: makes one for another member or a service user when an administrator asks", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const member = await aMember(account);
    const bot = await aServiceUser(account);

    const forMember = await create(ctx, account.id, { ownerId: member.id });
    const forBot = await create(ctx, account.id, { ownerId: bot.id });

    expect(await stored(forMember.credential)).toMatchObject({
      membership_id: member.id,
      service_user_id: null,
    });
    expect(await stored(forBot.credential)).toMatchObject({
      membership_id: null,
      service_user_id: bot.id,
    });
    const decision = {
      rule: "Administrators manage every credential, and create them for any owner.",
    };
    expect(await eventsOf(account)).toMatchObject([{ decision }, { decision }]);
  });

  it("S1: makes a service user one of its own", async () => {
    const account = await anAccount();
    const bot = await aServiceUser(account);

    const { credential } = await create(await as(bot), account.id, {});

    expect(await stored(credential)).toMatchObject({ service_user_id: bot.id });
    expect(await eventsOf(account)).toMatchObject([
      { type, principal_kind: "SERVICE_USER", principal_id: bot.id, surface: "API" },
    ]);
  });

  it("makes a new one each time, with a secret of its own", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));

    const [one, two] = [await create(ctx, account.id, {}), await create(ctx, account.id, {})];

    expect(one.credential.id).not.toBe(two.credential.id);
    expect(one.secret).not.toBe(two.secret);
    expect(await eventsOf(account)).toHaveLength(2);
  });

  it("C3: takes 255 bytes of description, 4,096 of metadata and a time to come", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));
    const input = {
      description: "é".repeat(127) + "e",
      metadata: "é".repeat(2048),
      expiresAt: new Date(Date.now() + 60_000),
    };

    const { credential } = await create(ctx, account.id, input);

    const { description, metadata, expiresAt: expires_at } = input;
    expect(await stored(credential)).toMatchObject({ description, metadata, expires_at });
  });

  it.each([
    ["256 bytes of description", { description: "é".repeat(128) }, "description"],
    ["4,097 bytes of metadata", { metadata: "é".repeat(2048) + "e" }, "metadata"],
    ["a time that is over", { expiresAt: new Date(Date.now() - 1000) }, "expiresAt"],
  ])("C3: refuses %s", async (_what, input, field) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));

    await expectRefused(() => create(ctx, account.id, input), {
      code: "BAD_USER_INPUT",
      field: [field],
    });
  });

  it("M4: refuses a disabled owner, member or service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const member = await aMember(account, DEVELOPER, { disabledAt: new Date() });
    const bot = await aServiceUser(account, { disabledAt: new Date() });

    for (const { id: ownerId } of [member, bot]) {
      await expectRefused(() => create(ctx, account.id, { ownerId }), {
        code: "BAD_USER_INPUT",
        field: ["ownerId"],
      });
    }
  });

  it.each(NOT_DEVELOPERS)("refuses %s", async (_who, roles) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, roles));

    await expectDenied(account, () => create(ctx, account.id, {}), {
      action,
      code: "FORBIDDEN",
      decision: { allowedBy: ["administrator", "developer READ_WRITE"] },
    });
  });

  it("S5: refuses a service user that may only read", async () => {
    const account = await anAccount();
    const bot = await aServiceUser(account, { developer: READER.developer });
    const ctx = await as(bot);

    await expectDenied(account, () => create(ctx, account.id, {}), { action, code: "FORBIDDEN" });
  });

  it("C12: refuses a developer one for another owner, whoever that is", async () => {
    const account = await anAccount();
    const developer = await aMember(account, DEVELOPER);
    const owners = [
      await aMember(account),
      await aMember(account, ADMINISTRATOR),
      await aServiceUser(account),
    ];

    for (const { id: ownerId } of owners) {
      await forgetRefusals();
      const ctx = await as(developer);
      await expectDenied(account, () => create(ctx, account.id, { ownerId }), {
        action,
        code: "FORBIDDEN",
        // Nothing was made, so there is no id to name.
        decision: { subject: { type: "Credential", id: null }, allowedBy: ["administrator"] },
      });
    }
  });

  it("C12: refuses a service user one for another service user", async () => {
    const account = await anAccount();
    const ctx = await as(await aServiceUser(account));
    const { id: ownerId } = await aServiceUser(account);

    await expectDenied(account, () => create(ctx, account.id, { ownerId }), {
      action,
      code: "FORBIDDEN",
    });
  });

  it("M2, Y3: does not find an owner in another account, removed, deleted, or of no kind that owns", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const ctx = await as(admin);
    const elsewhere = await anAccount();
    const owners = [
      (await aMember(elsewhere, ADMINISTRATOR, { userId: admin.userId })).id,
      (await aServiceUser(elsewhere)).id,
      (await aMember(account, {}, { removedAt: new Date() })).id,
      (await aServiceUser(account, { deletedAt: new Date() })).id,
      UNKNOWN.Membership,
      UNKNOWN.ServiceUser,
      admin.userId,
      account.id,
      (await aCredential(admin)).credential.id,
    ];

    for (const ownerId of owners) {
      await expectNotFound(() => create(ctx, account.id, { ownerId }));
    }
  });

  it("M2, Y3: does not find another's account, or nobody's", async () => {
    const ctx = await as(await aMember(await anAccount(), ADMINISTRATOR));
    const others = await anAccount();

    await expectNotFound(() => create(ctx, others.id, {}));
    await expectNotFound(() => create(ctx, UNKNOWN.Account, {}));
  });

  it("C7: by a key, makes them in the key's account and in no other of its owner", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account, DEVELOPER);
    await aMember(other, ADMINISTRATOR, { userId: member.userId });
    const ctx = await withToken((await aCredential(member)).secret);

    await expectNotFound(() => create(ctx, other.id, {}));
    const { credential } = await create(ctx, account.id, {});

    expect(await stored(credential)).toMatchObject({ membership_id: member.id });
  });

  it.each([
    ["demoted", "developer = 'READ_ONLY'", "FORBIDDEN"],
    ["disabled", "disabled_at = now()", "MEMBER_DISABLED"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("makes none for a caller who is %s while waiting", async (_what, change, code) => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const ctx = await as(member);

    const outcome = await whileWaiting(
      account,
      () => create(ctx, account.id, {}),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [member.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await credentialsIn(account)).toBe(0);
    expect(await eventsOf(account)).toEqual([]);
  });

  it.each([
    ["disabled", "disabled_at = now()", "BAD_USER_INPUT"],
    ["removed", "removed_at = now()", "NOT_FOUND"],
  ])("M4, M5: makes none for an owner who is %s while it waits", async (_what, change, code) => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    const owner = await aMember(account, DEVELOPER);

    const outcome = await whileWaiting(
      account,
      () => create(ctx, account.id, { ownerId: owner.id }),
      () => sqlAsOwner(`update memberships set ${change} where id = $1`, [owner.id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code } });
    expect(await credentialsIn(account)).toBe(0);
    expect(await eventsOf(account)).toEqual([]);
  });

  it("C12: makes none for another when the administrator is demoted while waiting", async () => {
    const account = await anAccount();
    const admin = await aMember(account, { ...DEVELOPER, administrator: true });
    const ctx = await as(admin);
    const owner = await aMember(account, DEVELOPER);

    const outcome = await whileWaiting(
      account,
      () => create(ctx, account.id, { ownerId: owner.id }),
      () => sqlAsOwner("update memberships set administrator = false where id = $1", [admin.id]),
    );

    expect(outcome).toMatchObject({ reason: { code: "FORBIDDEN" } });
    expect(await credentialsIn(account)).toBe(0);
  });

  it("S4: lets a service user's outlive the administrator who made it", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const bot = await aServiceUser(account);
    const { credential } = await create(await as(admin), account.id, { ownerId: bot.id });

    await sqlAsOwner("update memberships set removed_at = now() where id = $1", [admin.id]);

    expect((await stored(credential))["revoked_at"]).toBeNull();
  });
}
