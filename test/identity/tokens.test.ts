import fc from "fast-check";
import { newId } from "../../src/ids";
import { newToken, parseToken } from "../../src/identity/tokens";
import { sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, aMember, anAccount } from "../support/factories";

beforeAll(useDatabase);

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz_";

it("C2: says what it is for and whose account it is in, and reads back", () => {
  const accountId = newId("Account");
  const { text, hash } = newToken("API_KEY", accountId);
  expect(text).toMatch(/^gak_[0-9a-z]{26}_[0-9a-z]{59}$/);
  expect(parseToken(text)).toEqual({ kind: "API_KEY", accountId, hash });
  expect(parseToken(newToken("AUTHTOKEN", accountId).text)?.kind).toBe("AUTHTOKEN");
  expect(parseToken(newToken("SESSION", null).text)).toMatchObject({
    kind: "SESSION",
    accountId: null,
  });
});

it("C2: tells a mistyped or cut token from any other, by itself", () => {
  const { text } = newToken("API_KEY", newId("Account"));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom(...ALPHABET), (at, letter) => {
      const mistyped = text.slice(0, at) + letter + text.slice(at + 1);
      expect(parseToken(mistyped) === null).toBe(mistyped !== text);
      expect(parseToken(text.slice(0, at))).toBeNull();
    }),
    { seed: 20261124, numRuns: 2_000 },
  );
});

it("C2: leaves only a hash and four characters behind", async () => {
  const { credential, secret } = await aCredential(await aMember(await anAccount()));
  const [row] = await sqlAsOwner("select * from credentials where id = $1", [credential.id]);
  expect(row).toMatchObject({ last_four: secret.slice(-4) });
  expect(JSON.stringify(row)).not.toContain(secret.slice(-20));
});

it.each([
  [
    "the owner",
    "membership_id = (select id from memberships m where m.account_id = c.account_id and m.id <> c.membership_id limit 1)",
  ],
  ["the kind", "kind = 'AUTHTOKEN', id = replace(id, 'ak_', 'cr_')"],
])("C1: the database refuses to change %s", async (_what, change) => {
  const account = await anAccount();
  await aMember(account);
  const { credential } = await aCredential(await aMember(account));
  const before = await sqlAsOwner("select * from credentials where id = $1", [credential.id]);
  await expect(
    sqlAsOwner(`update credentials c set ${change} where id = $1`, [credential.id]),
  ).rejects.toThrow("never changes");
  expect(await sqlAsOwner("select * from credentials where id = $1", [credential.id])).toEqual(
    before,
  );
});

it("C10: the database refuses to take a revocation back", async () => {
  const { credential } = await aCredential(await aMember(await anAccount()), {
    revokedAt: new Date(),
  });
  await expect(
    sqlAsOwner("update credentials set revoked_at = null where id = $1", [credential.id]),
  ).rejects.toThrow("never changes");
});
