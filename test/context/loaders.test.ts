import { Loaders } from "../../src/context/loaders";
import { Credential } from "../../src/entities/Credential";
import { Membership } from "../../src/entities/Membership";
import { db, useDatabase } from "../support/database";
import { aCredential, aMember, anAccount, aServiceUser } from "../support/factories";

beforeAll(useDatabase);

const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id);

describe("loaders of one request", () => {
  it("keep lists of one entity apart: by what they point at, and in which order", async () => {
    const account = await anAccount();
    const [member, bot] = [await aMember(account), await aServiceUser(account)];
    const late = { description: "a", createdAt: new Date(Date.now() + 1000) };
    const second = await aCredential(member, { description: "b" });
    const first = await aCredential(member, late);
    const its = await aCredential(bot);
    const [a, b] = [first.credential.id, second.credential.id];
    const loaders = new Loaders(db);
    const list = (by: string, order: string, id: string) =>
      loaders.all(Credential, { by, order }, account.id, id);

    const lists = await Promise.all([
      list("membershipId", "description", member.id),
      list("membershipId", "createdAt", member.id),
      list("serviceUserId", "description", bot.id),
      list("serviceUserId", "description", member.id),
    ]);

    expect(lists.map(idsOf)).toEqual([[a, b], [b, a], [its.credential.id], []]);
  });

  it("keep a row by its id apart from one by its account and id", async () => {
    const account = await anAccount();
    const { id } = await aMember(account);
    const other = await anAccount();
    const loaders = new Loaders(db);

    const rows = await Promise.all([
      loaders.row(Membership, id),
      loaders.rowIn(Membership, { accountId: account.id }, id),
      loaders.rowIn(Membership, { accountId: other.id }, id),
    ]);

    expect(rows.map((row) => row?.id ?? null)).toEqual([id, id, null]);
  });
});
