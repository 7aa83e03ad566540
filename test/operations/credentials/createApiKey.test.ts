import { createApiKey } from "../../../src/operations/credentials/createApiKey";
import { removeMember } from "../../../src/operations/members/removeMember";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  aServiceUser,
  DEVELOPER,
  withToken,
} from "../../support/factories";
import { itIssues } from "../../support/issuing";

beforeAll(useDatabase);

describe("createApiKey", () => {
  itIssues(createApiKey, {
    kind: "API_KEY",
    id: /^ak_/,
    secret: /^gak_[0-9a-z]{26}_[0-9a-z]{59}$/,
    type: "api_key_created.v1",
  });

  it("C7: gives a key that acts as its owner, whoever made it", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account, DEVELOPER);

    const { credential, secret } = await createApiKey(await as(admin), account.id, {
      ownerId: member.id,
    });

    const { principal, standing } = await (await withToken(secret)).in(account.id);
    expect(principal).toMatchObject({
      kind: "USER",
      id: member.userId,
      surface: "API",
      credentialId: credential.id,
      accountId: account.id,
    });
    expect(standing).toMatchObject({ membershipId: member.id, roles: DEVELOPER });
  });

  it("C3: gives a key that stops working when its time is over", async () => {
    const account = await anAccount();
    const { credential, secret } = await createApiKey(
      await as(await aMember(account, DEVELOPER)),
      account.id,
      { expiresAt: new Date(Date.now() + 60_000) },
    );
    await expect(withToken(secret)).resolves.toBeDefined();

    await sqlAsOwner("update credentials set expires_at = now() - interval '1 ms' where id = $1", [
      credential.id,
    ]);

    await expect(withToken(secret)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.each(["+010000-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.000Z"])(
    "Bad input: refuses a key that expires after the year 9999, at %s",
    async (moment) => {
      const account = await anAccount();
      const asked = createApiKey(await as(await aMember(account, DEVELOPER)), account.id, {
        expiresAt: new Date(moment),
      });
      await expect(asked).rejects.toMatchObject({ code: "BAD_USER_INPUT", field: ["expiresAt"] });
      expect(
        await sqlAsOwner("select from credentials where account_id = $1", [account.id]),
      ).toEqual([]);
      expect(await sqlAsOwner("select from events where account_id = $1", [account.id])).toEqual(
        [],
      );
    },
  );

  it("S4: gives a service user a key that works after its maker is removed", async () => {
    const account = await anAccount();
    const maker = await aMember(account, ADMINISTRATOR);
    const bot = await aServiceUser(account);
    const { secret } = await createApiKey(await as(maker), account.id, { ownerId: bot.id });

    await removeMember(await as(await aMember(account, ADMINISTRATOR)), maker.id);

    const { principal } = await (await withToken(secret)).in(account.id);
    expect(principal).toMatchObject({ kind: "SERVICE_USER", id: bot.id });
  });
});
