import { hashPassword } from "../../../src/identity/passwords";
import { completeSignIn } from "../../../src/operations/sessions/completeSignIn";
import { endUserSessions } from "../../../src/operations/sessions/endUserSessions";
import { signIn } from "../../../src/operations/sessions/signIn";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aCredential,
  aMember,
  anAccount,
  anAuthenticator,
  as,
  aSession,
  asSignUp,
  asNobody,
  asOperator,
  aUser,
  DEVELOPER,
  userEventsOf,
  withToken,
} from "../../support/factories";
import { denials, eventually, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeEach(() => sqlAsOwner("delete from throttles"));

const REASON = "Laptop stolen, ticket 17";
const ENDED = { code: "UNAUTHENTICATED" };

describe("endUserSessions", () => {
  it("U9, E5: ends all of a person's sessions, each an event with who and why", async () => {
    const user = await aUser();
    const member = await aMember(await anAccount(), DEVELOPER, { userId: user.id });
    const { secret: key } = await aCredential(member);
    const tokens = [await aSession(user.id), await aSession(user.id)];
    const { id: old } = await aSession(user.id);
    await sqlAsOwner("update sessions set ended_at = now() where id = $1", [old]);
    const { token: another } = await aSession((await aUser()).id);

    const { sessions } = await endUserSessions(asOperator(), { email: user.email, reason: REASON });

    expect(sessions).toHaveLength(2);
    for (const { token } of tokens) await expect(withToken(token)).rejects.toMatchObject(ENDED);
    await withToken(another);
    await withToken(key);
    const ended = (id: string) => ({
      type: "session_ended.v1",
      principal_kind: "SYSTEM",
      principal_subject: "operator root@host",
      object_id: id,
      object: { userId: user.id, reason: REASON },
      changes: { endedAt: [null, expect.any(String)] },
      decision: { action: "end", rule: "The operator ends users' sessions." },
    });
    expect(await userEventsOf(user)).toMatchObject(tokens.map(({ id }) => ended(id)));
  });

  it("U9: voids sign-ins that wait for a code", async () => {
    const password = "correct horse battery staple";
    const user = await aUser({ passwordHash: await hashPassword(password) });
    const { codes } = await anAuthenticator(user.id);
    const { challenge } = await signIn(asNobody(), user.email, password);
    await eventually(async () => (await denials()).some(({ stream }) => stream === user.id));

    await endUserSessions(asOperator(), { email: user.email, reason: REASON });

    await expectRefused(() => completeSignIn(asNobody(), challenge!.token, codes[0]!), {
      code: "TOKEN_INVALID",
    });
  });

  it("records nothing for somebody who has none open", async () => {
    const user = await aUser();

    const { sessions } = await endUserSessions(asOperator(), { email: user.email, reason: REASON });

    expect(sessions).toEqual([]);
    expect(await userEventsOf(user)).toEqual([]);
  });

  it.each([
    ["an email that nobody has", { email: "nobody@example.com" }, ["email"]],
    ["what is no email", { email: "nobody" }, ["email"]],
    ["no reason", { reason: "" }, ["reason"]],
    ["a reason that is too long", { reason: "x".repeat(1001) }, ["reason"]],
  ])("refuses %s", async (_what, input, field) => {
    const user = await aUser();
    await aSession(user.id);

    await expectRefused(
      () => endUserSessions(asOperator(), { email: user.email, reason: REASON, ...input }),
      { code: "BAD_USER_INPUT", field },
    );
  });

  it("Y3: does not find a stranger for anybody else, whatever they are", async () => {
    const user = await aUser();
    await aSession(user.id);
    const member = await as(await aMember(await anAccount(), { administrator: true }));

    for (const ctx of [member, asSignUp()]) {
      for (const email of [user.email, "nobody@example.com"]) {
        await expectRefused(() => endUserSessions(ctx, { email, reason: REASON }), {
          code: "BAD_USER_INPUT",
          field: ["email"],
        });
      }
    }
  });
});
