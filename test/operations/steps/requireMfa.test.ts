import type { Context } from "../../../src/context/context";
import { updateAccount } from "../../../src/operations/accounts/updateAccount";
import { confirmTotp } from "../../../src/operations/authenticators/confirmTotp";
import { disableTotp } from "../../../src/operations/authenticators/disableTotp";
import { enrollTotp } from "../../../src/operations/authenticators/enrollTotp";
import { leaveAccount } from "../../../src/operations/members/leaveAccount";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anAuthenticator,
  as,
  aServiceUser,
  aSession,
  asUser,
  DEVELOPER,
  eventsOf,
  withToken,
} from "../../support/factories";
import { serve, type Served } from "../../support/http";
import { expectDenied, expectRefused } from "../../support/refusals";
import { codeAt, fromBase32 } from "../../support/totp";

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

/** An account that requires a second factor, its administrator, who has one, and a developer, who hasn't. */
async function required() {
  const account = await anAccount();
  const admin = await aMember(account, ADMINISTRATOR);
  const member = await aMember(account, DEVELOPER);
  const { secret } = await anAuthenticator(admin.userId);
  await updateAccount(await as(admin), account.id, { mfaRequired: true });
  return { account, admin, member, secret };
}

const MISSING = { action: "enter Account", code: "MFA_ENROLLMENT_REQUIRED" };

describe("an account that requires two-factor authentication", () => {
  it("T5, E1: is required from that commit on, and recorded", async () => {
    const { account, member } = await required();
    expect(await eventsOf(account)).toMatchObject([
      { type: "account_updated.v1", changes: { mfaRequired: [false, true] } },
    ]);
    const ctx = await as(member);
    await expectDenied(account, () => ctx.in(account.id), MISSING);
  });

  it("T5: lets whoever has none sign in and use all else, and in at once when they have one", async () => {
    const { account, member } = await required();
    const other = await anAccount({ name: "Other" });
    await aMember(other, DEVELOPER, { userId: member.userId });
    const { token } = await aSession(member.userId);
    const document = `query ($id: ID!) { account(id: $id) { name }
      viewer { memberships { nodes { accountName access { granted code } account { name } } } } }`;

    const before = await server.ask(document, { id: account.id }, { token });
    expect(before.codes).toEqual(["MFA_ENROLLMENT_REQUIRED"]);
    expect(before.errors[0]!.message).toContain("enrollTotp");
    expect(before.data).toEqual({
      account: null,
      viewer: {
        memberships: {
          nodes: [
            {
              accountName: "Acme",
              access: { granted: false, code: "MFA_ENROLLMENT_REQUIRED" },
              account: null,
            },
            {
              accountName: "Other",
              access: { granted: true, code: null },
              account: { name: "Other" },
            },
          ],
        },
      },
    });
    const ctx = await withToken(token);
    const { setup } = await enrollTotp(ctx, null);
    await confirmTotp(ctx, codeAt(fromBase32(setup.secret), Date.now()));
    const after = await server.ask(document, { id: account.id }, { token });
    expect([after.codes, after.data!["account"]]).toEqual([[], { name: "Acme" }]);
  });

  it("T5: shuts out their API keys too, and no service user's", async () => {
    const { account, member, admin } = await required();
    const keys = [
      (await aCredential(member)).secret,
      (await aCredential(admin)).secret,
      (await aCredential(await aServiceUser(account))).secret,
    ];
    const answers = await Promise.all(
      keys.map((token) => server.ask("{ viewer { surface } }", {}, { token })),
    );
    expect(answers.map(({ status, codes }) => [status, codes])).toEqual([
      [403, ["MFA_ENROLLMENT_REQUIRED"]],
      [200, []],
      [200, []],
    ]);
  });

  it("T5: lets nothing be done in it, leaving included", async () => {
    const { account, member } = await required();
    const ctx = await as(member);
    // The gate comes before every rule; leaving takes getting in.
    await expectDenied(account, () => leaveAccount(ctx, account.id), MISSING);
  });
});

describe("updateAccount, with mfaRequired", () => {
  it("T5: refuses to require what the caller does not have", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, ADMINISTRATOR));
    await expectRefused(() => updateAccount(ctx, account.id, { mfaRequired: true }), {
      code: "WOULD_LOCK_OUT",
      field: ["mfaRequired"],
    });
  });

  it("U11: takes a proof of the last 15 minutes; a new name does not", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    await anAuthenticator(admin.userId);
    const { id, token } = await aSession(admin.userId);
    const old = new Date(Date.now() - 16 * 60_000);
    await sqlAsOwner("update sessions set authenticated_at = $1 where id = $2", [old, id]);
    const ctx = await withToken(token);
    await expectDenied(account, () => updateAccount(ctx, account.id, { mfaRequired: true }), {
      action: "updateSignInPolicy Account",
      code: "REAUTHENTICATION_REQUIRED",
    });
    await updateAccount(ctx, account.id, { name: "Apex", mfaRequired: false });
  });

  it("T5: is cleared by null and left by absence", async () => {
    const { account, admin } = await required();
    const ctx = await as(admin);
    const after = async (changes: object) =>
      (await updateAccount(ctx, account.id, changes)).mfaRequired;
    expect(await after({ name: "Apex" })).toBe(true);
    expect(await after({ mfaRequired: true })).toBe(true);
    expect(await after({ mfaRequired: null })).toBe(false);
    expect((await eventsOf(account)).map(({ changes }) => changes)).toMatchObject([
      { mfaRequired: [false, true] },
      { name: ["Acme", "Apex"] },
      { mfaRequired: [true, false] },
    ]);
  });

  it("C7: by a key, changes the name and not this, whichever it is", async () => {
    const { account, admin } = await required();
    const ctx = await withToken((await aCredential(admin)).secret);
    await expectDenied(account, () => updateAccount(ctx, account.id, { mfaRequired: false }), {
      action: "updateSignInPolicy Account",
      code: "FORBIDDEN",
    });
    await updateAccount(ctx, account.id, { name: "Apex", mfaRequired: true });
    expect((await eventsOf(account)).map(({ changes }) => changes)).toMatchObject([
      { mfaRequired: [false, true] },
      { name: ["Acme", "Apex"] },
    ]);
  });

  it("takes administrators alone", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    await anAuthenticator(member.userId);
    const ctx = await as(member);
    await expectDenied(account, () => updateAccount(ctx, account.id, { mfaRequired: true }), {
      action: "update Account",
      code: "FORBIDDEN",
    });
  });
});

describe("disableTotp, where an account requires it", () => {
  const refused = (ctx: Context, code: string, names: RegExp) =>
    expectRefused(() => disableTotp(ctx, code), {
      code: "MFA_REQUIRED_BY_ACCOUNT",
      message: expect.stringMatching(names) as string,
    });

  it("T4: is refused, and names the accounts", async () => {
    const { admin, secret } = await required();
    const second = await anAccount({ name: "Second", mfaRequired: true });
    const inSecond = await aMember(second, DEVELOPER, { userId: admin.userId });
    await aMember(await anAccount({ name: "Not so strict" }), {}, { userId: admin.userId });
    const ctx = await asUser({ id: admin.userId } as never);
    const code = codeAt(secret, Date.now());
    await refused(ctx, code, /required by "Acme" and "Second"\./);

    await sqlAsOwner("update memberships set removed_at = now() where id = $1", [inSecond.id]);
    await refused(ctx, code, /required by "Acme"\./);
    await sqlAsOwner("update accounts set deleted_at = now() where name = 'Acme'");
    await disableTotp(ctx, code);
  });

  it("T4: another app can take its place", async () => {
    const { account, admin, secret } = await required();
    const ctx = await asUser({ id: admin.userId } as never);
    const { setup } = await enrollTotp(ctx, codeAt(secret, Date.now()));
    await confirmTotp(ctx, codeAt(fromBase32(setup.secret), Date.now()));
    expect((await ctx.in(account.id)).standing).toMatchObject({
      facts: { mfaMissing: false },
    });
  });
});
