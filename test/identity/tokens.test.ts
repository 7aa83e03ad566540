import { createHash } from "node:crypto";
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

it("C2: notices every single character that is another, missing, or one too many", () => {
  for (const { text } of [newToken("AUTHTOKEN", newId("Account")), newToken("SESSION", null)]) {
    const wrong = new Set<string>();
    for (let at = 0; at <= text.length; at++) {
      for (const letter of `${ALPHABET}ilouA-. \n`) {
        wrong.add(text.slice(0, at) + letter + text.slice(at + 1));
        wrong.add(text.slice(0, at) + letter + text.slice(at));
      }
      wrong.add(text.slice(0, at) + text.slice(at + 1));
      wrong.add(text.slice(at + 1));
    }
    wrong.delete(text);
    expect([...wrong].filter((token) => parseToken(token) !== null)).toEqual([]);
  }
});

it("C2: notices two neighbours that changed places", () => {
  const { text } = newToken("API_KEY", newId("Account"));
  for (let at = 0; at < text.length - 1; at++) {
    const [one, two] = [text[at]!, text[at + 1]!];
    const swapped = text.slice(0, at) + two + one + text.slice(at + 2);
    expect(parseToken(swapped) === null).toBe(one !== two);
  }
});

it("C2: holds for a token of any account, and reads no other text as one", () => {
  fc.assert(
    fc.property(fc.constantFrom("API_KEY" as const, "AUTHTOKEN" as const), (kind) => {
      const accountId = newId("Account");
      const { text, hash } = newToken(kind, accountId);
      expect(parseToken(text)).toEqual({ kind, accountId, hash });
      expect(hash).toEqual(createHash("sha256").update(text).digest());
    }),
    { seed: 20261124 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      expect(parseToken(text)).toBeNull();
      expect(parseToken(`gak_${text}`)).toBeNull();
    }),
    { seed: 20261124, numRuns: 1_000 },
  );
});

it("C2: makes no session's token with an account, and no key's without", () => {
  expect(parseToken(newToken("SESSION", newId("Account")).text)).toBeNull();
  expect(parseToken(newToken("API_KEY", null).text)).toBeNull();
});

it("C2: draws 256 bits: no two alike, every character of the secret in use", () => {
  const secrets = Array.from({ length: 2_000 }, () => newToken("SESSION", null).text.slice(4, 56));
  expect(new Set(secrets).size).toBe(secrets.length);
  for (let at = 1; at < 52; at++) {
    expect(new Set(secrets.map((secret) => secret[at])).size).toBe(32);
  }
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
