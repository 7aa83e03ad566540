import type { Account } from "../../src/entities/Account";
import type { Membership } from "../../src/entities/Membership";
import { disableMember } from "../../src/operations/members/disableMember";
import { removeMember } from "../../src/operations/members/removeMember";
import { updateMemberRoles } from "../../src/operations/members/updateMemberRoles";
import { useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  DEVELOPER,
  READER,
  refusalsIn,
  withToken,
} from "../support/factories";
import { afterQuietMinute, eventually, expectDenied, expectNotFound } from "../support/refusals";

beforeAll(useDatabase);

/** One person in two accounts, with an administrator in each. */
async function inTwoAccounts(): Promise<{
  [name in "here" | "there"]: { account: Account; admin: Membership; member: Membership };
}> {
  const [one, two] = [await anAccount(), await anAccount()];
  const member = await aMember(one, DEVELOPER);
  return {
    here: { account: one, admin: await aMember(one, ADMINISTRATOR), member },
    there: {
      account: two,
      admin: await aMember(two, ADMINISTRATOR),
      member: await aMember(two, READER, { userId: member.userId }),
    },
  };
}

describe("a user in two accounts", () => {
  it("M2: has in each the roles and the status of that account", async () => {
    const { here, there } = await inTwoAccounts();
    const ctx = await as(here.member);

    await disableMember(await as(here.admin), here.member.id);
    await updateMemberRoles(await as(there.admin), there.member.id, ADMINISTRATOR);

    await expectDenied(here.account, () => ctx.in(here.account.id), {
      action: "enter Account",
      code: "MEMBER_DISABLED",
    });
    expect((await ctx.in(there.account.id)).standing).toMatchObject({
      roles: ADMINISTRATOR,
      facts: { disabled: false, mfaMissing: false },
    });
  });

  it("M2: gains no right in one by being an administrator of the other", async () => {
    const { here, there } = await inTwoAccounts();
    await updateMemberRoles(await as(there.admin), there.member.id, ADMINISTRATOR);
    const ctx = await as(here.member);

    await expectDenied(here.account, () => disableMember(ctx, here.admin.id), {
      action: "disable Member",
      code: "ADMINISTRATOR_REQUIRED",
    });
    await disableMember(ctx, there.admin.id);
  });

  it("M5: keeps the one when removed from the other", async () => {
    const { here, there } = await inTwoAccounts();
    const ctx = await as(here.member);

    await removeMember(await as(here.admin), here.member.id);

    await expectNotFound(() => ctx.in(here.account.id));
    await expect(ctx.in(there.account.id)).resolves.toBeDefined();
    expect(await ctx.accountIds()).toEqual([there.account.id]);
  });

  it("M2, C7: reaches by a key the key's account alone", async () => {
    const { here, there } = await inTwoAccounts();
    const ctx = await withToken((await aCredential(here.member)).secret);

    await expect(ctx.in(here.account.id)).resolves.toBeDefined();
    await expectNotFound(() => ctx.in(there.account.id));
    expect(await ctx.accountIds()).toEqual([here.account.id]);
  });
});

describe("the gate", () => {
  it("E1: records who was kept out at most once a minute, with how often", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER, { disabledAt: new Date() }));
    const enter = () =>
      expect(ctx.in(account.id)).rejects.toMatchObject({ code: "MEMBER_DISABLED" });

    await enter();
    // It is recorded behind the caller's back.
    await eventually(async () => (await refusalsIn(account)).length > 0);
    await enter();
    await enter();
    await afterQuietMinute();

    expect(await refusalsIn(account)).toMatchObject([
      {
        decision: {
          action: "enter",
          subject: { type: "Account" },
          code: "MEMBER_DISABLED",
          count: 1,
        },
      },
      {
        decision: {
          action: "enter",
          subject: { type: "Account" },
          code: "MEMBER_DISABLED",
          count: 2,
        },
      },
    ]);
  });

  it("says nothing of an account that is deleted, to whoever was in it", async () => {
    const account = await anAccount({ deletedAt: new Date() });
    const ctx = await as(await aMember(account, ADMINISTRATOR));

    await expectNotFound(() => ctx.in(account.id));
  });
});
