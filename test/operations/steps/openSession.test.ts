import { hashPassword } from "../../../src/identity/passwords";
import { signIn } from "../../../src/operations/sessions/signIn";
import { sweep } from "../../../src/setup/sweep";
import { db, sqlAsOwner, useDatabase } from "../../support/database";
import {
  anAuthenticator,
  asNobody,
  aSession,
  aUser,
  signedIn,
  userEventsOf,
  withToken,
} from "../../support/factories";
import { atOnce, times } from "../../support/races";

beforeAll(useDatabase);
beforeEach(() => sqlAsOwner("delete from throttles"));

const PASSWORD = "correct horse battery staple";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD);
});

const open = async (userId: string) =>
  (
    await sqlAsOwner<{ id: string }>(
      "select id from sessions where user_id = $1 and ended_at is null order by last_used_at",
      [userId],
    )
  ).map(({ id }) => id);

it("U9: ends the sessions that were not used for longest where somebody has a hundred", async () => {
  const user = await aUser({ passwordHash });
  const sessions = [];
  for (let i = 0; i < 100; i++) sessions.push(await aSession(user.id));
  await sqlAsOwner(
    "update sessions set last_used_at = now() - interval '1 hour' where id = any($1)",
    [[sessions[40]!.id]],
  );

  const { session, token } = signedIn(await signIn(asNobody(), user.email, PASSWORD));

  const left = await open(user.id);
  expect(left).toHaveLength(100);
  expect(left).toContain(session.id);
  expect(left).not.toContain(sessions[40]!.id);
  await expect(withToken(sessions[40]!.token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await expect(withToken(token)).resolves.toBeDefined();
  expect(await userEventsOf(user)).toMatchObject([
    { type: "signed_in.v1", object_id: session.id },
    { type: "session_ended.v1", object_id: sessions[40]!.id, decision: { allowed: true } },
  ]);
});

it("U9: of many who sign in at once, none is kept out, and each session ends once", async () => {
  const user = await aUser({ passwordHash });
  for (let i = 0; i < 100; i++) await aSession(user.id);
  const acts = times(4, () => () => signIn(asNobody(), user.email, PASSWORD));

  expect(await atOnce(acts)).toEqual({ done: 4, codes: [] });
  // Those at once did not see each other; the next one does.
  await signIn(asNobody(), user.email, PASSWORD);

  expect(await open(user.id)).toHaveLength(100);
  const ended = (await userEventsOf(user)).filter(({ type }) => type === "session_ended.v1");
  expect(new Set(ended.map((event) => event["object_id"])).size).toBe(ended.length);
});

it("T2: leaves a question for a code that has expired to the sweep", async () => {
  const user = await aUser({ passwordHash });
  await anAuthenticator(user.id);
  for (let i = 0; i < 3; i++) await signIn(asNobody(), user.email, PASSWORD);
  await sqlAsOwner(
    "update one_time_tokens set expires_at = now() - interval '8 days' where user_id = $1",
    [user.id],
  );
  await signIn(asNobody(), user.email, PASSWORD);
  await sweep(db);
  const left = await sqlAsOwner("select from one_time_tokens where user_id = $1", [user.id]);
  expect(left).toHaveLength(1);
});
