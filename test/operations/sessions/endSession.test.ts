import { endSession } from "../../../src/operations/sessions/endSession";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  ADMINISTRATOR,
  aMember,
  anAccount,
  asNobody,
  aSession,
  aUser,
  withToken,
} from "../../support/factories";
import { atOnce, times } from "../../support/races";
import { expectDenied, expectNotFound, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

const eventsOfUser = (id: string) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);

describe("endSession", () => {
  it("U9, E5: ends another session of one's own at once, and records it", async () => {
    const user = await aUser();
    const [mine, lost] = [await aSession(user.id), await aSession(user.id)];

    const ended = await endSession(await withToken(mine.token), lost.id);

    expect(ended).toMatchObject({ id: lost.id, endedAt: expect.any(Date) as Date });
    await expect(withToken(lost.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(withToken(mine.token)).resolves.toBeDefined();
    expect(await eventsOfUser(user.id)).toMatchObject([
      {
        type: "session_ended.v1",
        object_id: lost.id,
        session_id: mine.id,
        changes: { endedAt: [null, ended.endedAt!.toISOString()] },
        decision: { action: "end", allowed: true, rule: "Users manage their own sessions." },
      },
    ]);
  });

  it("U9: records one event, however many end it at once", async () => {
    const user = await aUser();
    const [mine, lost] = [await aSession(user.id), await aSession(user.id)];
    const callers = await Promise.all(times(5, () => withToken(mine.token)));

    const { done } = await atOnce(callers.map((ctx) => () => endSession(ctx, lost.id)));

    expect(done).toBe(5);
    expect(await eventsOfUser(user.id)).toHaveLength(1);
  });

  it("U9: lets one of two sessions that end each other win", async () => {
    const user = await aUser();
    const [one, two] = [await aSession(user.id), await aSession(user.id)];
    const [first, second] = [await withToken(one.token), await withToken(two.token)];

    const { done, codes } = await atOnce([
      () => endSession(first, two.id),
      () => endSession(second, one.id),
    ]);

    expect([done, codes]).toEqual([1, ["UNAUTHENTICATED"]]);
    expect(await eventsOfUser(user.id)).toHaveLength(1);
  });

  it("finds nobody's session but one's own", async () => {
    const [user, other] = [await aUser(), await aUser()];
    const [mine, theirs] = [await aSession(user.id), await aSession(other.id)];
    const ctx = await withToken(mine.token);

    await expectNotFound(() => endSession(ctx, theirs.id));
    await expectNotFound(() => endSession(ctx, "ses_01jzzzzzzzzzzzzzzzzzzzzzzz"));
    await expectNotFound(() => endSession(ctx, "nonsense"));
    await expect(withToken(theirs.token)).resolves.toBeDefined();
  });

  it("C7, E1: refuses an API key", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    const { id } = await aSession(member.userId);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectDenied({ id: member.userId }, () => endSession(ctx, id), {
      action: "end Session",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    const { id } = await aSession((await aUser()).id);
    await expectRefused(() => endSession(asNobody(), id), { code: "UNAUTHENTICATED" });
  });
});
