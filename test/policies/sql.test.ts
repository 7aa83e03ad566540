import type { Class } from "../../src/database/table";
import { all, sql } from "../../src/database/sql";
import { Credential } from "../../src/entities/Credential";
import { Event } from "../../src/entities/Event";
import { Invitation } from "../../src/entities/Invitation";
import { IPRestriction } from "../../src/entities/IPRestriction";
import { Membership } from "../../src/entities/Membership";
import { RANKS, type Roles } from "../../src/entities/roles";
import { ServiceUser } from "../../src/entities/ServiceUser";
import { updateAccount } from "../../src/operations/accounts/updateAccount";
import type { Subject } from "../../src/policies/ability";
import { db, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anInvitation,
  anIPRestriction,
  as,
  aServiceUser,
} from "../support/factories";

beforeAll(useDatabase);

const COMBINATIONS: Roles[] = RANKS.administrator.flatMap((administrator) =>
  RANKS.developer.flatMap((developer) =>
    RANKS.team.flatMap((team) =>
      RANKS.billing.map((billing) => ({ administrator, developer, team, billing })),
    ),
  ),
);

const ENTITIES: Class<Subject & { id: string }>[] = [
  Membership,
  ServiceUser,
  Credential,
  Invitation,
  IPRestriction,
  Event,
];

it("Y1: reads exactly the rows that the ability allows, for every combination of roles", async () => {
  const [ours, theirs] = [await anAccount(), await anAccount()];
  const callers: (Membership | ServiceUser)[] = [];
  for (const account of [ours, theirs]) {
    const admin = await aMember(account, ADMINISTRATOR);
    await updateAccount(await as(admin), account.id, { name: "Renamed" });
    await aMember(account, {}, { disabledAt: new Date() });
    await aMember(account, {}, { removedAt: new Date() });
    await aServiceUser(account, { deletedAt: new Date() });
    await anInvitation(admin);
    await anIPRestriction(account);
    const bot = await aServiceUser(account);
    await aCredential(bot);
    await aCredential(admin, { revokedAt: new Date() });
    if (account === ours) callers.push(bot);
  }
  for (const roles of COMBINATIONS) callers.push(await aMember(ours, roles));
  expect(COMBINATIONS).toHaveLength(24);

  let allowed = 0;
  for (const caller of callers) {
    const access = await (await as(caller)).in(ours.id);
    for (const entity of ENTITIES) {
      const table = db.table(entity);
      const read = (condition = sql`true`) =>
        db.query<{ id: string }>(
          sql`select ${table.columns} from ${table.name} row where ${all([condition])} order by row.id`,
        );
      const everything = table.instances(await read());
      const may = everything.filter((row) => access.can("read", row)).map(({ id }) => id);
      const seen = (await read(access.readable(entity))).map(({ id }) => id);
      expect([entity.name, seen]).toEqual([entity.name, may]);
      expect(may.length).toBeLessThan(everything.length);
      allowed += may.length;
    }
  }
  expect(allowed).toBeGreaterThan(500);
});
