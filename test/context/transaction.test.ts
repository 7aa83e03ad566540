import type { Access } from "../../src/context/access";
import type { Context } from "../../src/context/context";
import { sql } from "../../src/database/sql";
import { Account } from "../../src/entities/Account";
import { Credential } from "../../src/entities/Credential";
import { Identity } from "../../src/entities/Identity";
import { Membership, Provisioning } from "../../src/entities/Membership";
import { LOWEST, type Roles } from "../../src/entities/roles";
import { newId } from "../../src/ids";
import { sqlAsOwner, useDatabase } from "../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  anIdentity,
  as,
  aSession,
  asNobody,
  asUser,
  aUser,
  DEVELOPER,
  eventsOf,
  MANAGER,
  withToken,
} from "../support/factories";
import { expectDenied, expectNotFound, expectRefused } from "../support/refusals";

beforeAll(useDatabase);

async function aWorkplace(
  roles: Partial<Roles> = ADMINISTRATOR,
): Promise<{ account: Account; member: Membership; access: Access }> {
  const account = await anAccount();
  const access = await (await as(await aMember(account, roles))).in(account.id);
  return { account, access, member: await aMember(account, DEVELOPER) };
}

describe("a transaction", () => {
  it("E1: takes no leave to read a row for leave to change it", async () => {
    const { member, access } = await aWorkplace();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          // @ts-expect-error: the compiler says so first
          tx.authorize("read", row);
          row.disabledAt = tx.now;
          await tx.save(row);
          await tx.record("member_disabled.v1", row);
        }),
      { message: "To read a row authorizes no change of it" },
    );
  });

  it("E1: takes leave to create a row for no leave to change one, nor the other way round", async () => {
    const { member, access } = await aWorkplace();
    const { credential } = await aCredential(member);

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Credential, credential.id);
          tx.authorize("create", row);
          row.description = "changed";
          await tx.save(row);
          await tx.record("credential_updated.v1", row);
        }),
      { message: "Authorized to create, which is not what saving it does: Credential" },
    );
    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = Object.assign(new Membership(), member, { id: "mem_new" });
          tx.authorize("disable", row);
          await tx.save(row);
          await tx.record("member_added.v1", row);
        }),
      { message: "Authorized to disable, which is not what saving it does: Membership" },
    );
  });

  it("E1: deletes no row that it may do something else to", async () => {
    const user = await aUser();
    const { id } = await anIdentity(user.id);
    const { self } = await asUser(user);

    await expectRefused(
      () =>
        self.transaction(async (tx) => {
          const row = await tx.lock(Identity, id);
          tx.authorize("create", row);
          await tx.delete(row);
          await tx.record("identity_unlinked.v1", row);
        }),
      { message: "Deleted, and authorized to create: Identity" },
    );
  });

  it.each([
    sql`update memberships set administrator = true`,
    sql`UPDATE memberships m SET administrator = ${true} WHERE m.id = ${""}`,
    sql`insert into accounts (id, name) values ('ac_x', 'x')`,
    sql`delete from credentials`,
    sql`with gone as (delete from credentials returning id) select id from gone`,
    sql`with made as (insert into one_time_tokens (id) values ('x') returning id) select id from made`,
    sql`with same as (select 1)
      update only users set name = 'x'`,
    sql`select 1 from users for update; delete from users`,
    sql`merge into users using accounts on true when matched then delete`,
    sql`truncate users`,
    sql`copy users to stdout`,
    sql`set role gatehouse`,
  ])("E1: reads by SQL, and changes nothing by it: %p", async (statement) => {
    const { access } = await aWorkplace();

    await expectRefused(() => access.transaction((tx) => tx.query(statement)), {
      message: expect.stringContaining("Not a statement that only reads") as string,
    });
  });

  it.each([
    sql`select id from users for update`,
    sql`select id as updated from users where name <> 'delete from users; update x' for no key update`,
    sql`with u as (select id from users) select id from u`,
    sql`lock table users in share row exclusive mode`,
    sql`select pg_advisory_xact_lock(1)`,
  ])("reads, and locks: %p", async (statement) => {
    const { access } = await aWorkplace();
    await expect(access.transaction((tx) => tx.query(statement))).resolves.toBeDefined();
  });

  it("E1: writes without an event what it names, and no row of an entity", async () => {
    const { member, access } = await aWorkplace();
    const token = sql`update one_time_tokens set used_at = now() where id = 'none'`;
    const step = sql`update authenticators a set last_step = ${1} where a.id = ${"none"}`;

    await access.transaction(async (tx) => {
      await tx.unrecorded("one_time_tokens").query(token);
      await tx.unrecorded("authenticators.last_step").query(step);
    });
    for (const [place, statement, message] of [
      ["one_time_tokens", step, "Writes authenticators.last_step, and may write one_time_tokens"],
      [
        "authenticators.last_step",
        sql`update authenticators set last_step = 1, key_id = 'x'`,
        "Writes authenticators",
      ],
      ["authenticators.last_step", sql`delete from authenticators`, "Writes authenticators"],
      ["one_time_tokens", sql`with t as (${token}) delete from users`, "Writes users"],
      ["memberships", sql`delete from memberships where id = ${member.id}`, "Not written without"],
    ] as const) {
      await expectRefused(
        () =>
          access.transaction((tx) => tx.unrecorded(place as "one_time_tokens").query(statement)),
        { message: expect.stringContaining(message) as string },
      );
    }
  });

  it("E1: commits no row that was saved and not recorded, whatever else was", async () => {
    const { account, member, access } = await aWorkplace();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          tx.authorize("disable", row);
          row.disabledAt = tx.now;
          await tx.save(row);
          const other = await tx.lock(Account, account.id);
          tx.authorize("update", other);
          other.name = "Apex";
          await tx.save(other);
          await tx.record("account_updated.v1", other);
        }),
      { message: "Saved without recording an event: Membership" },
    );
  });

  it("E1: deletes no row that nobody authorized or recorded", async () => {
    const user = await aUser();
    const { id } = await anIdentity(user.id);
    const { self } = await asUser(user);
    await expectRefused(
      () => self.transaction(async (tx) => tx.delete(await tx.lock(Identity, id))),
      { message: "Saved without authorizing: Identity" },
    );
    await expectRefused(
      () =>
        self.transaction(async (tx) => {
          const row = await tx.lock(Identity, id);
          tx.authorize("delete", row);
          await tx.delete(row);
        }),
      { message: "Saved without recording an event: Identity" },
    );
  });

  it("E1: commits no change made after its event", async () => {
    const { member, access } = await aWorkplace();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          tx.authorize("disable", row);
          row.disabledAt = tx.now;
          await tx.save(row);
          await tx.record("member_disabled.v1", row);
          row.disabledAt = null;
          await tx.save(row);
        }),
      { message: "Saved without recording an event: Membership" },
    );
  });

  it("E1: commits no event of a change that was never saved", async () => {
    const { member, access } = await aWorkplace();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          tx.authorize("disable", row);
          row.disabledAt = tx.now;
          await tx.record("member_disabled.v1", row);
        }),
      { message: "Recorded without saving: Membership" },
    );
  });

  it("E1: commits no new row that was not authorized, nor recorded", async () => {
    const { account, member, access } = await aWorkplace();
    const { credential } = await aCredential(member);

    await expectRefused(() => access.transaction((tx) => tx.saveAll([credential], "revokedAt")), {
      message: "Saved without authorizing: Credential",
    });
    await expectRefused(
      () => access.transaction((tx) => tx.record("account_updated.v1", account)),
      { message: "Saved without authorizing: Account" },
    );
  });

  it("E1: takes what follows for authorized only when what it follows from is", async () => {
    const { member, access } = await aWorkplace();
    await aCredential(member);

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          const keys = await tx.rows(Credential, sql`row.membership_id = ${row.id}`);
          tx.entail("revoke", keys, row);
        }),
      { message: "Entailed by what was not authorized: Membership" },
    );
  });

  it("E1, E2: notes what concerns a row and leaves it as it is, and what is told besides", async () => {
    const { account, member, access } = await aWorkplace();

    await access.transaction(async (tx) => {
      const row = await tx.lock(Membership, member.id);
      tx.authorize("disable", row);
      tx.tell({ reason: "Practice" });
      await tx.note("member_disabled.v1", row);
    });

    expect(await eventsOf(account)).toMatchObject([
      { object: { id: member.id, disabledAt: null, reason: "Practice" }, changes: {} },
    ]);
  });

  it("E1: notes nothing that was not authorized, or that was changed", async () => {
    const { member, access } = await aWorkplace();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          await tx.note("member_disabled.v1", await tx.lock(Membership, member.id));
        }),
      { message: "Saved without authorizing: Membership" },
    );
    for (const save of [true, false]) {
      await expectRefused(
        () =>
          access.transaction(async (tx) => {
            const row = await tx.lock(Membership, member.id);
            tx.authorize("disable", row);
            row.disabledAt = tx.now;
            if (save) await tx.save(row);
            await tx.note("member_disabled.v1", row);
          }),
        { message: "Noted as it is, and changed: Membership" },
      );
    }
  });

  it("E1: keeps an event whose change fails out, and what was to be announced", async () => {
    const { member, access } = await aWorkplace();
    const announced = jest.fn();

    await expectRefused(
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          tx.authorize("disable", row);
          row.disabledAt = tx.now;
          await tx.save(row);
          await tx.record("member_disabled.v1", row);
          tx.afterCommit(announced);
          throw new Error("after all");
        }),
      { message: "after all" },
    );
    expect(announced).not.toHaveBeenCalled();
  });

  it("announces after it is committed, in order", async () => {
    const { account, member, access } = await aWorkplace();
    const heard: number[] = [];

    await access.transaction(async (tx) => {
      const row = await tx.lock(Membership, member.id);
      tx.authorize("disable", row);
      row.disabledAt = tx.now;
      await tx.save(row);
      await tx.record("member_disabled.v1", row);
      tx.afterCommit(async () => void heard.push((await eventsOf(account)).length));
      tx.afterCommit(() => void heard.push(2));
    });

    expect(heard).toEqual([1, 2]);
  });

  it("M3: asks the policy again of the row as it would be", async () => {
    const { account, member, access } = await aWorkplace(MANAGER);

    await expectDenied(
      account,
      () =>
        access.transaction(async (tx) => {
          const row = await tx.lock(Membership, member.id);
          tx.authorize("disable", row);
          row.administrator = true;
          await tx.save(row);
        }),
      { action: "disable Member", code: "ADMINISTRATOR_REQUIRED" },
    );
  });

  it("E1, E2: is a machine's too, by rules of its own, and tells who set it to work", async () => {
    const account = await anAccount();
    const [user, invited] = [await aUser(), await aUser()];
    const join = (ctx: Context, userId: string, fields: Partial<Membership> = {}) =>
      ctx.asMachine("invitation", account.id).transaction(async (tx) => {
        const member = Object.assign(new Membership(), {
          ...{ accountId: account.id, id: newId("Membership"), userId, ...LOWEST },
          provisioning: Provisioning.INVITATION,
          ...{ disabledAt: null, removedAt: null, createdAt: tx.now, ...fields },
        });
        tx.authorize("create", member);
        await tx.save(member);
        await tx.record("member_added.v1", member);
      });
    const { id, token } = await aSession(invited.id);
    const ctx = await withToken(token);

    await join(asNobody(), user.id);
    await join(ctx, invited.id);

    const rule = "Accepting an invitation makes a member.";
    expect(await eventsOf(account)).toMatchObject([
      { principal_kind: "SYSTEM", principal_id: "invitation", decision: { rule, roles: [] } },
      { principal_kind: "USER", principal_id: invited.id, session_id: id, decision: { rule } },
    ]);
    const founder = { provisioning: Provisioning.FOUNDER };
    await expectDenied(account, () => join(ctx, user.id, founder), {
      action: "create Member",
      code: "FORBIDDEN",
    });
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]);
    await expectRefused(() => join(ctx, invited.id), { code: "UNAUTHENTICATED" });
    await sqlAsOwner("update accounts set deleted_at = now() where id = $1", [account.id]);
    await expectNotFound(() => join(asNobody(), invited.id));
  });

  it("M2, Y3: locks no row of another account, even of an account that the caller is in too", async () => {
    const account = await anAccount();
    const caller = await aMember(account, ADMINISTRATOR);
    const elsewhere = await anAccount();
    const own = await aMember(elsewhere, ADMINISTRATOR, { userId: caller.userId });
    const access = await (await as(caller)).in(account.id);

    await expectNotFound(() => access.transaction((tx) => tx.lock(Membership, own.id)));
    await expectNotFound(() => access.transaction((tx) => tx.lock(Account, elsewhere.id)));
    expect(await access.transaction((tx) => tx.rows(Membership, sql`true`))).toHaveLength(1);
  });
});
