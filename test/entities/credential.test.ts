import { raw } from "../../src/database/sql";
import { CredentialKind } from "../../src/entities/Credential";
import { newId } from "../../src/ids";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, aMember, anAccount, aServiceUser, DEVELOPER } from "../support/factories";
import { everything } from "../support/refusals";

beforeAll(useDatabase);

const INTEGRITY = "23000";
const FOREIGN_KEY = "23503";
const CHECK = "23514";
const UNIQUE = "23505";
const PRIVILEGE = "42501";

/** Both the role that serves requests and the tables' owner, who may do most things. */
const ROLES: [who: string, run: (text: string) => Promise<unknown>][] = [
  ["the serving role", (text) => db.query(raw(text))],
  ["the tables' owner", (text) => sqlAsOwner(text)],
];

async function expectImpossible(act: () => Promise<unknown>, code: string): Promise<void> {
  const before = await everything();
  await expect(act()).rejects.toMatchObject({ code });
  expect(await everything()).toEqual(before);
}

describe.each(ROLES)("a credential, to %s", (_who, run) => {
  it("C1: never changes its owner", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const { credential } = await aCredential(member);
    const colleague = await aMember(account);
    const bot = await aServiceUser(account);
    const set = (what: string) => () =>
      run(`update credentials set ${what} where id = '${credential.id}'`);

    await expectImpossible(set(`membership_id = '${colleague.id}'`), INTEGRITY);
    await expectImpossible(set(`membership_id = null, service_user_id = '${bot.id}'`), INTEGRITY);
    await expectImpossible(set(`membership_id = null`), INTEGRITY);
  });

  it("C1: never changes from one service user to another", async () => {
    const account = await anAccount();
    const { credential } = await aCredential(await aServiceUser(account));
    const other = await aServiceUser(account);

    await expectImpossible(
      () =>
        run(`update credentials set service_user_id = '${other.id}' where id = '${credential.id}'`),
      INTEGRITY,
    );
  });

  it("C1: never changes its account, even to where its user is a member", async () => {
    const [account, other] = [await anAccount(), await anAccount()];
    const member = await aMember(account);
    const elsewhere = await aMember(other, {}, { userId: member.userId });
    const { credential } = await aCredential(member);

    await expectImpossible(
      () =>
        run(`update credentials set account_id = '${other.id}', membership_id = '${elsewhere.id}'
          where id = '${credential.id}'`),
      INTEGRITY,
    );
  });

  it("C1: never changes its kind or id", async () => {
    const { credential } = await aCredential(await aMember(await anAccount()));
    const where = `where id = '${credential.id}'`;

    for (const set of [
      `kind = 'AUTHTOKEN', id = '${newId("Authtoken")}'`,
      `kind = 'AUTHTOKEN'`,
      `id = '${newId("ApiKey")}'`,
    ]) {
      await expectImpossible(() => run(`update credentials set ${set} ${where}`), INTEGRITY);
    }
  });

  it("C10: stays revoked, since when it was", async () => {
    const owner = await aMember(await anAccount());
    const { credential } = await aCredential(owner, { revokedAt: new Date() });
    const where = `where id = '${credential.id}'`;

    for (const at of ["null", "now() + interval '1 day'", "now() - interval '1 day'"]) {
      await expectImpossible(
        () => run(`update credentials set revoked_at = ${at} ${where}`),
        INTEGRITY,
      );
    }
  });

  it("C3: has no more than 255 bytes of description and 4,096 of metadata", async () => {
    const { credential } = await aCredential(await aMember(await anAccount()));
    const where = `where id = '${credential.id}'`;

    for (const set of [
      "description = repeat('é', 128)",
      "metadata = repeat('é', 2048) || 'e'",
      "last_four = 'abcde'",
      "secret_hash = '\\x00'",
    ]) {
      await expectImpossible(() => run(`update credentials set ${set} ${where}`), CHECK);
    }
  });

  it("C3: can be used, described and revoked", async () => {
    const { credential } = await aCredential(await aMember(await anAccount()));

    await run(`update credentials set description = 'new', metadata = 'new', last_used_at = now(),
      last_used_ip = '192.0.2.1', expires_at = now(), revoked_at = now()
      where id = '${credential.id}'`);

    const [row] = await sqlAsOwner("select * from credentials where id = $1", [credential.id]);
    expect(row).toMatchObject({ description: "new", metadata: "new" });
  });
});

describe("a new credential", () => {
  it("C1: belongs to somebody of its own account", async () => {
    const owner = await aMember(await anAccount());
    const bot = await aServiceUser(await anAccount());
    const { id: accountId } = await anAccount();

    await expectImpossible(() => aCredential(owner, { accountId }), FOREIGN_KEY);
    await expectImpossible(() => aCredential(bot, { accountId }), FOREIGN_KEY);
  });

  it("C1: belongs to a member or to a service user, one of them", async () => {
    const account = await anAccount();
    const owner = await aMember(account);
    const { id: serviceUserId } = await aServiceUser(account);

    await expectImpossible(() => aCredential(owner, { serviceUserId }), CHECK);
    await expectImpossible(() => aCredential(owner, { membershipId: null }), CHECK);
  });

  it("C2: has the id of its kind, and a secret of its own", async () => {
    const owner = await aMember(await anAccount());
    const secretHash = Buffer.alloc(32, 7);
    await aCredential(owner, { secretHash });

    await expectImpossible(() => aCredential(owner, { id: newId("Authtoken") }), CHECK);
    await expectImpossible(
      () => aCredential(owner, { kind: CredentialKind.AUTHTOKEN, id: newId("ApiKey") }),
      CHECK,
    );
    await expectImpossible(() => aCredential(owner, { secretHash }), UNIQUE);
  });

  it("C10: is never deleted by the serving role", async () => {
    await aCredential(await aMember(await anAccount()));

    await expectImpossible(() => db.query(raw("delete from credentials")), PRIVILEGE);
  });
});
