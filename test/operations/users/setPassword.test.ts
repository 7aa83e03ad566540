import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { signIn } from "../../../src/operations/sessions/signIn";
import { setPassword } from "../../../src/operations/users/setPassword";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  anIdentity,
  asKeyOf,
  asNobody,
  aSession,
  asStaleUser,
  asUser,
  aUser,
  signedIn,
  withToken,
} from "../../support/factories";
import { deliver, recipient, useMail } from "../../support/mail";
import { atOnce } from "../../support/races";
import { expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);

const PASSWORD = "correct horse battery staple";
const eventsOf = ({ id }: User) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);

describe("setPassword", () => {
  it("U6: gives a first password to whoever signs in without one, and mails a notice", async () => {
    const user = await aUser();
    await anIdentity(user.id);
    const other = await aSession(user.id);

    await setPassword(await asUser(user), PASSWORD);

    expect(await eventsOf(user)).toMatchObject([
      { type: "user_password_set.v1", principal_id: user.id, changes: {} },
    ]);
    expect(JSON.stringify(await eventsOf(user))).not.toContain("argon2");
    expect((await withToken(other.token)).principal.id).toBe(user.id);
    const mails = await deliver();
    expect(mails.map((mail) => [recipient(mail), mail.subject])).toEqual([
      [user.email, "You have a password now"],
    ]);
    const { session } = signedIn(await signIn(asNobody(), user.email, PASSWORD));
    expect(session.userId).toBe(user.id);
  });

  it("U6: sets one once, of many at the same time", async () => {
    const user = await aUser();
    const acts = [];
    for (const password of ["seventeen purple walruses", "nineteen orange badgers sing"]) {
      const ctx = await asUser(user);
      acts.push(() => setPassword(ctx, password));
    }
    expect(await atOnce(acts)).toEqual({ done: 1, codes: ["CONFLICT"] });
    expect(await eventsOf(user)).toHaveLength(1);
  });

  it("U7: refuses whoever has one, and names what changes it", async () => {
    const ctx = await asUser(await aUser({ passwordHash: await hashPassword(PASSWORD) }));
    await expectRefused(() => setPassword(ctx, "seventeen purple walruses"), {
      code: "CONFLICT",
      message: expect.stringContaining("`updatePassword`") as string,
    });
  });

  it.each([
    ["short", "BAD_USER_INPUT"],
    ["a".repeat(257), "BAD_USER_INPUT"],
    ["password12345", "WEAK_PASSWORD"],
  ])("U4: refuses %s", async (password, code) => {
    const ctx = await asUser(await aUser());
    await expectRefused(() => setPassword(ctx, password), { code, field: ["newPassword"] });
  });

  it("U11: takes a proof of the last 15 minutes", async () => {
    const user = await aUser();
    const ctx = await asStaleUser(user);
    await expectDenied(user, () => setPassword(ctx, PASSWORD), {
      action: "update User",
      code: "REAUTHENTICATION_REQUIRED",
    });
  });

  it("C7: refuses an API key, and nobody", async () => {
    const user = await aUser();
    const ctx = await asKeyOf(user);
    const denied = { action: "update User", code: "FORBIDDEN" };
    await expectDenied(user, () => setPassword(ctx, PASSWORD), denied);
    await expectRefused(() => setPassword(asNobody(), PASSWORD), { code: "UNAUTHENTICATED" });
  });
});
