import { signOut } from "../../../src/operations/sessions/signOut";
import { disableMember } from "../../../src/operations/members/disableMember";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  asNobody,
  asUser,
  aServiceUser,
  aSession,
  aUser,
  eventsOf,
  withToken,
} from "../../support/factories";
import { atOnce, times, whileWaiting } from "../../support/races";
import { expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

function eventsOfUser({ id }: { id: string }) {
  return sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);
}

async function endedAt({ id }: { id: string }): Promise<Date | null> {
  const [row] = await sqlAsOwner<{ ended_at: Date | null }>(
    "select ended_at from sessions where id = $1",
    [id],
  );
  return row!.ended_at;
}

describe("signOut", () => {
  it("U9, E5: ends the session that asks and no other, and records it", async () => {
    const user = await aUser();
    const [session, other] = [await aSession(user.id), await aSession(user.id)];

    await signOut(await withToken(session.token));

    const at = (await endedAt(session))!.toISOString();
    expect(await eventsOfUser(user)).toMatchObject([
      {
        type: "signed_out.v1",
        principal_id: user.id,
        session_id: session.id,
        object_id: session.id,
        changes: { endedAt: [null, at] },
        decision: { action: "end", allowed: true, rule: "Users manage their own sessions." },
      },
    ]);
    await expect(withToken(session.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(withToken(other.token)).resolves.toBeDefined();
    expect(await endedAt(other)).toBeNull();
  });

  it("records one event when the same session signs out many times at once", async () => {
    const user = await aUser();
    const { token } = await aSession(user.id);
    const callers = await Promise.all(times(5, () => withToken(token)));

    const { done, codes } = await atOnce(callers.map((ctx) => () => signOut(ctx)));

    expect([done, codes]).toEqual([1, times(4, () => "UNAUTHENTICATED")]);
    expect(await eventsOfUser(user)).toHaveLength(1);
  });

  it("C7, E1: refuses an API key", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const { id } = await aSession(member.userId);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectDenied({ id: member.userId }, () => signOut(ctx), {
      action: "end Session",
      code: "FORBIDDEN",
    });
    expect(await endedAt({ id })).toBeNull();
  });

  it("S2, E1: refuses a service user", async () => {
    const account = await anAccount();
    const ctx = await withToken((await aCredential(await aServiceUser(account))).secret);

    await expectDenied(account, () => signOut(ctx), { action: "end Session", code: "FORBIDDEN" });
  });

  it("refuses who is not signed in", async () => {
    await expectRefused(() => signOut(asNobody()), { code: "UNAUTHENTICATED" });
  });

  it("U9: ends what the session can do, also for what waits already", async () => {
    const account = await anAccount();
    const admin = await aMember(account, ADMINISTRATOR);
    const member = await aMember(account);
    const { id, token } = await aSession(admin.userId);
    const ctx = await withToken(token);

    const outcome = await whileWaiting(
      account,
      () => disableMember(ctx, member.id),
      () => sqlAsOwner("update sessions set ended_at = now() where id = $1", [id]),
    );

    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "UNAUTHENTICATED" } });
    expect(await eventsOf(account)).toEqual([]);
  });

  it("leaves nobody's session to end but one's own", async () => {
    const [user, other] = [await aUser(), await aUser()];
    const { id } = await aSession(other.id);
    const ctx = await asUser(user);
    ctx.principal.sessionId = id;

    await expectRefused(() => signOut(ctx), { code: "UNAUTHENTICATED" });
    expect(await endedAt({ id })).toBeNull();
  });
});
