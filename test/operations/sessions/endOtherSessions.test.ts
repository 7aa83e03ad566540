import { endOtherSessions } from "../../../src/operations/sessions/endOtherSessions";
import { sqlAsOwner, statements, useDatabase } from "../../support/database";
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
import { serve } from "../../support/http";
import { atOnce, times } from "../../support/races";
import { expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);

const open = async (userId: string) =>
  (
    await sqlAsOwner<{ id: string }>(
      "select id from sessions where user_id = $1 and ended_at is null order by id",
      [userId],
    )
  ).map(({ id }) => id);

describe("endOtherSessions", () => {
  it("U9, E5: ends all sessions but the one that asks, and nobody else's", async () => {
    const [user, other] = [await aUser(), await aUser()];
    const [mine, ...more] = await Promise.all(times(4, () => aSession(user.id)));
    const theirs = await aSession(other.id);

    const ended = await endOtherSessions(await withToken(mine!.token));

    expect(ended.map(({ id }) => id).sort()).toEqual(more.map(({ id }) => id).sort());
    expect(await open(user.id)).toEqual([mine!.id]);
    expect(await open(other.id)).toEqual([theirs.id]);
    for (const { token } of more) {
      await expect(withToken(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    const events = await sqlAsOwner<{ type: string; object_id: string }>(
      "select type, object_id, changes from user_events where user_id = $1",
      [user.id],
    );
    expect(events.map(({ object_id }) => object_id).sort()).toEqual(
      more.map(({ id }) => id).sort(),
    );
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["session_ended.v1"]));
  });

  it("U9: neither counts nor ends one that is over by itself, and lists none", async () => {
    const user = await aUser();
    const [mine, idle, old] = await Promise.all(times(3, () => aSession(user.id)));
    await sqlAsOwner(
      "update sessions set last_used_at = now() - interval '14 days' where id = $1",
      [idle!.id],
    );
    await sqlAsOwner("update sessions set expires_at = now() where id = $1", [old!.id]);
    const document = "{ viewer { sessions { nodes { id } } } }";
    for (const compiledReads of [true, false]) {
      const server = await serve({ env: { GATEHOUSE_COMPILED_READS: String(compiledReads) } });
      const { data } = await server.ask(document, {}, mine);
      expect(data).toEqual({ viewer: { sessions: { nodes: [{ id: mine!.id }] } } });
    }
    expect(await endOtherSessions(await withToken(mine!.token))).toEqual([]);
    expect(await open(user.id)).toEqual([mine!.id, idle!.id, old!.id].sort());
  });

  it("sends as many statements for thirty sessions as for two", async () => {
    const counts: number[] = [];
    for (const many of [2, 30]) {
      const user = await aUser();
      const [mine] = await Promise.all(times(many, () => aSession(user.id)));
      const ctx = await withToken(mine!.token);
      statements.length = 0;
      await endOtherSessions(ctx);
      counts.push(statements.length);
    }
    expect(counts[1]).toBe(counts[0]);
  });

  it("changes and records nothing where there is no other", async () => {
    const user = await aUser();
    const { token } = await aSession(user.id);

    expect(await endOtherSessions(await withToken(token))).toEqual([]);
    expect(await sqlAsOwner("select from user_events where user_id = $1", [user.id])).toEqual([]);
  });

  it("U9: leaves one session of many that do it at once", async () => {
    const user = await aUser();
    const sessions = await Promise.all(times(5, () => aSession(user.id)));
    const callers = await Promise.all(sessions.map(({ token }) => withToken(token)));

    const { done, codes } = await atOnce(callers.map((ctx) => () => endOtherSessions(ctx)));

    expect([done, new Set(codes)]).toEqual([1, new Set(["UNAUTHENTICATED"])]);
    expect(await open(user.id)).toHaveLength(1);
    expect(await sqlAsOwner("select from user_events where user_id = $1", [user.id])).toHaveLength(
      4,
    );
  });

  it("C7, E1: refuses an API key", async () => {
    const member = await aMember(await anAccount(), ADMINISTRATOR);
    await aSession(member.userId);
    const ctx = await withToken((await aCredential(member)).secret);

    await expectDenied({ id: member.userId }, () => endOtherSessions(ctx), {
      action: "end Session",
      code: "FORBIDDEN",
    });
  });

  it("refuses who is not signed in", async () => {
    await expectRefused(() => endOtherSessions(asNobody()), { code: "UNAUTHENTICATED" });
  });
});
