import { parseKeys, type EncryptionKeys } from "../../../src/setup/config";
import type { Authenticator } from "../../../src/entities/Authenticator";
import { Keyring } from "../../../src/identity/encryption";
import { keysInUse, rotateKeys } from "../../../src/operations/authenticators/rotateKeys";
import { secretPlace } from "../../../src/operations/steps/openTotpSecret";
import { reauthenticate } from "../../../src/operations/sessions/reauthenticate";
import { Context } from "../../../src/context/context";
import type { Services } from "../../../src/context/services";
import { db, sqlAsOwner, statements, useDatabase } from "../../support/database";
import {
  anAuthenticator,
  asSignUp,
  asOperator,
  asUser,
  aUser,
  ENCRYPTION_KEYS,
  REQUEST,
  services,
  userEventsOf,
} from "../../support/factories";
import { atOnce, heldUp, times } from "../../support/races";
import { everything } from "../../support/refusals";
import { codeAt } from "../../support/totp";

beforeAll(useDatabase);
beforeEach(() =>
  sqlAsOwner(
    "delete from throttles; delete from authenticators; update users set mfa_enabled_at = null",
  ),
);

const NEW = `new:${Buffer.alloc(32, 9).toString("base64")}`;
const serverWith = (...keys: string[]): Services => ({
  ...services,
  keyring: new Keyring(parseKeys(keys.join()) as EncryptionKeys),
});
/** The server once the new key was put first, and once the old one was taken away. */
const both = serverWith(NEW, ENCRYPTION_KEYS);
const newOnly = serverWith(NEW);

interface Stored {
  id: string;
  keyId: string;
  sealed: Buffer;
  last_step: number;
}
const stored = () =>
  sqlAsOwner<Stored>(`
    select id, key_id as "keyId", sealed_secret as sealed, last_step from authenticators
    order by id`);

/** Somebody with a second factor under the old key. */
async function someone(fields: Partial<Authenticator> = {}) {
  const user = await aUser();
  return { user, ...(await anAuthenticator(user.id, fields)) };
}

describe("rotateKeys", () => {
  it("T7, E1: encrypts each secret again under the current key, an event of its user's", async () => {
    const people = [await someone(), await someone(), await someone({ confirmedAt: null })];
    const removed = await someone({
      ...{
        removedAt: new Date(),
        sealedSecret: null,
        recoveryCodeHashes: [],
        recoveryCodesLeft: 0,
      },
    });

    expect(await rotateKeys(asOperator(both))).toEqual({ done: 3, left: [] });

    for (const { user, authenticator, secret } of people) {
      const row = (await stored()).find(({ id }) => id === authenticator.id)!;
      expect(newOnly.keyring.open(row, secretPlace(row)).equals(secret)).toBe(true);
      const events = await userEventsOf(user);
      expect(events).toMatchObject([
        {
          type: "authenticator_reencrypted.v1",
          principal_subject: "operator root@host",
          object_id: authenticator.id,
          changes: { keyId: ["test", "new"] },
        },
      ]);
      expect(Object.keys(events[0]!["changes"] as object)).toEqual(["keyId"]);
      expect(JSON.stringify(events)).not.toMatch(/sealed/i);
    }
    expect(await userEventsOf(removed.user)).toEqual([]);
  });

  it("T7: done again, changes nothing and records nothing", async () => {
    await someone();
    await rotateKeys(asOperator(both));
    const before = await everything();

    expect(await rotateKeys(asOperator(both))).toEqual({ done: 0, left: [] });
    expect(await rotateKeys(asOperator(newOnly))).toEqual({ done: 0, left: [] });

    expect(await everything()).toEqual(before);
  });

  it("T7: a code is good after it, without the old key", async () => {
    const { user, secret } = await someone();
    await rotateKeys(asOperator(both));

    const { session } = await useCodeAt(newOnly, user.id, codeAt(secret, Date.now()));

    expect(session.methods).toContain("TOTP");
  });

  it("T7: goes in batches, each of which commits", async () => {
    const { user } = await someone();
    await sqlAsOwner(
      `insert into users (id, email, name, created_at)
         select 'usr_01k' || lpad(i::text, 23, '0'), 'u' || i || '@example.com', 'U', now()
         from generate_series(1, 220) i`,
    );
    await sqlAsOwner(
      `insert into authenticators
         (id, user_id, sealed_secret, key_id, last_step, recovery_code_hashes, recovery_codes_left,
          created_at)
         select 'aut_01k' || lpad(i::text, 23, '0'), 'usr_01k' || lpad(i::text, 23, '0'),
           '\\x00', 'test', 0, '{}', 0, now() from generate_series(1, 220) i`,
    );
    for (const { id } of await stored()) {
      const { sealed } = services.keyring.seal(Buffer.alloc(20, 1), secretPlace({ id }));
      await sqlAsOwner("update authenticators set sealed_secret = $1 where id = $2", [sealed, id]);
    }
    statements.length = 0;

    expect(await rotateKeys(asOperator(both))).toEqual({ done: 221, left: [] });

    expect(statements.filter((text) => text === "begin")).toHaveLength(3);
    expect(await userEventsOf(user)).toHaveLength(1);
  });

  it("T7: names the keys that are not configured, and does all others", async () => {
    await someone();
    const lost = [await someone(), await someone()];
    await sqlAsOwner("update authenticators set key_id = 'lost' where id = any($1)", [
      lost.map(({ authenticator }) => authenticator.id),
    ]);

    expect(await rotateKeys(asOperator(both))).toEqual({
      done: 1,
      left: [{ keyId: "lost", count: 2, state: "missing" }],
    });

    for (const { user } of lost) expect(await userEventsOf(user)).toEqual([]);
  });

  it("T7: leaves what the key of that name does not open as it is, and tells of it", async () => {
    await someone();
    const before = await everything();
    const another = serverWith(NEW, `test:${Buffer.alloc(32, 1).toString("base64")}`);

    expect(await rotateKeys(asOperator(another))).toEqual({
      done: 0,
      left: [{ keyId: "test", count: 1, state: "wrong" }],
    });
    expect(await everything()).toEqual(before);
  });

  it("T7: tells apart what a server with the old key first made meanwhile", async () => {
    await someone();

    expect(await keysInUse(db, both.keyring)).toEqual([
      { keyId: "test", count: 1, state: "opens" },
    ]);
    expect(await keysInUse(db, newOnly.keyring)).toEqual([
      { keyId: "test", count: 1, state: "missing" },
    ]);
  });

  it("T7: does not overwrite what was changed while it waited", async () => {
    const { authenticator, user } = await someone();
    const { id } = authenticator;
    const anew = both.keyring.seal(Buffer.alloc(20, 2), secretPlace({ id }));

    const outcome = await heldUp(
      () => sqlAsOwner("select from authenticators where id = $1 for update", [id]),
      () => rotateKeys(asOperator(both)),
      () =>
        sqlAsOwner("update authenticators set key_id = $1, sealed_secret = $2 where id = $3", [
          ...[anew.keyId, anew.sealed, id],
        ]),
    );

    expect(outcome).toEqual({ status: "fulfilled", value: { done: 0, left: [] } });
    expect(await stored()).toMatchObject([{ keyId: "new", sealed: anew.sealed }]);
    expect(await userEventsOf(user)).toEqual([]);
  });

  it("T7: encrypts what was made anew under the old key while it waited, as it then is", async () => {
    const { authenticator } = await someone();
    const { id } = authenticator;
    const secret = Buffer.alloc(20, 3);
    const { sealed } = services.keyring.seal(secret, secretPlace({ id }));

    await heldUp(
      () => sqlAsOwner("select from authenticators where id = $1 for update", [id]),
      () => rotateKeys(asOperator(both)),
      () => sqlAsOwner("update authenticators set sealed_secret = $1 where id = $2", [sealed, id]),
    );

    const [row] = await stored();
    expect(newOnly.keyring.open(row!, secretPlace(row!)).equals(secret)).toBe(true);
  });

  it("T2, T7: takes a code once that is used while its secret is encrypted again", async () => {
    for (let round = 0; round < 10; round++) {
      await sqlAsOwner("delete from authenticators; delete from throttles");
      const { user, secret } = await someone();
      const code = codeAt(secret, Date.now());

      const { codes } = await atOnce([
        () => rotateKeys(asOperator(both)),
        () => useCodeAt(both, user.id, code),
        () => rotateKeys(asOperator(both)),
      ]);

      expect(codes).toEqual([]);
      const [row] = await stored();
      expect(row).toMatchObject({ keyId: "new" });
      expect(row!.last_step).toBeGreaterThan(0);
      expect(newOnly.keyring.open(row!, secretPlace(row!)).equals(secret)).toBe(true);
      await expect(useCodeAt(newOnly, user.id, code)).rejects.toMatchObject({
        code: "MFA_INVALID",
      });
    }
  });

  it("T7: by several at once, does each secret once", async () => {
    const people = [];
    for (let i = 0; i < 5; i++) people.push(await someone());

    const results = await Promise.all(times(4, () => rotateKeys(asOperator(both))));

    expect(results.reduce((sum, { done }) => sum + done, 0)).toBe(5);
    for (const { user } of people) expect(await userEventsOf(user)).toHaveLength(1);
  });

  it("is nobody's but the operator's", async () => {
    await someone();
    const before = await everything();

    expect(await rotateKeys(asSignUp(both))).toMatchObject({ done: 0 });
    expect(await everything()).toEqual(before);
  });
});

/** Proves with a code, on a server with these settings. */
async function useCodeAt(at: Services, userId: string, code: string) {
  const { principal } = await asUser({ id: userId } as never);
  const ctx = new Context({ db, services: at, request: REQUEST, caller: principal });
  return reauthenticate(ctx, { password: null, code });
}
