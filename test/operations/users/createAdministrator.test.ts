import { signIn } from "../../../src/operations/sessions/signIn";
import { createAdministrator } from "../../../src/operations/users/createAdministrator";
import { signUp } from "../../../src/operations/users/signUp";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  asSignUp,
  asNobody,
  asOperator,
  aUser,
  eventsOf,
  signedIn,
  services,
  userEventsOf,
} from "../../support/factories";
import { answerWith, breach, usePwned } from "../../support/pwned";
import { atOnce, times } from "../../support/races";
import { expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
// As the database is before anybody was there; what it never forgets goes by force.
beforeEach(() =>
  sqlAsOwner(`
    set session_replication_role = replica;
    delete from user_events; delete from events; delete from sessions; delete from memberships;
    delete from accounts; delete from one_time_tokens; delete from users; delete from throttles;
    reset session_replication_role`),
);

const INPUT = {
  email: " Ada@Example.com",
  name: " Ada Lovelace ",
  account: " Analytical Engines ",
  password: "seventeen purple walruses dance",
};

describe("createAdministrator", () => {
  it("M1, E1: creates a user with a confirmed email, and their account, by the operator", async () => {
    await signUp(asNobody(), {
      ...INPUT,
      name: "Mallory",
      password: "correct horse battery staple",
    });

    const { user, account } = await createAdministrator(asOperator(), INPUT);

    expect(user).toMatchObject({ email: "ada@example.com", name: "Ada Lovelace" });
    expect(user.emailVerifiedAt).not.toBeNull();
    expect(account.name).toBe("Analytical Engines");
    signedIn(await signIn(asNobody(), "ada@example.com", INPUT.password));
    const by = { principal_kind: "SYSTEM", principal_subject: "operator root@host" };
    expect(await eventsOf(account)).toMatchObject([
      { ...by, type: "account_created.v1", object: { id: account.id } },
      {
        ...by,
        type: "member_added.v1",
        object: { userId: user.id, administrator: true, provisioning: "FOUNDER" },
      },
    ]);
    const [created] = await userEventsOf(user);
    expect(created).toMatchObject({ ...by, type: "user_created.v1" });
    expect(JSON.stringify(created)).not.toContain("argon2");
    // Somebody else's sign-up with that email leads nowhere now.
    expect(await sqlAsOwner("select from one_time_tokens")).toEqual([]);
  });

  it("refuses where there are users", async () => {
    await aUser();

    await expectRefused(() => createAdministrator(asOperator(), INPUT), { code: "CONFLICT" });
  });

  it("M1: of several at once, one wins", async () => {
    const { done, codes } = await atOnce(
      times(
        5,
        (i) => () =>
          createAdministrator(asOperator(), { ...INPUT, email: `ada${i % 3}@example.com` }),
      ),
    );

    expect({ done, codes }).toEqual({ done: 1, codes: times(4, () => "CONFLICT") });
    expect(await sqlAsOwner("select from users")).toHaveLength(1);
    expect(await sqlAsOwner("select from accounts")).toHaveLength(1);
    expect(await sqlAsOwner("select from memberships where administrator")).toHaveLength(1);
  });

  it.each([
    ["what is no email", { email: "ada" }, "BAD_USER_INPUT", ["email"]],
    ["no name", { name: " " }, "BAD_USER_INPUT", ["name"]],
    ["an account without a name", { account: "" }, "BAD_USER_INPUT", ["account"]],
    ["a short password", { password: "short" }, "BAD_USER_INPUT", ["password"]],
    ["a password that is guessed", { password: "password1234" }, "WEAK_PASSWORD", ["password"]],
    ["the account's name as one", { password: "AnalyticalEngines" }, "WEAK_PASSWORD", ["password"]],
    ["their email as one", { password: "ada@example.com" }, "WEAK_PASSWORD", ["password"]],
  ])("refuses %s", async (_what, input, code, field) => {
    await expectRefused(() => createAdministrator(asOperator(), { ...INPUT, ...input }), {
      code,
      field,
    });
  });

  it("U4: refuses a password of a known breach, and tells where nobody could say", async () => {
    services.breachedPasswordsUrl = await usePwned();
    breach({ [INPUT.password]: 3 });
    await expectRefused(() => createAdministrator(asOperator(), INPUT), {
      code: "WEAK_PASSWORD",
      field: ["password"],
    });

    answerWith((reply) => reply.writeHead(500).end());
    const { user } = await createAdministrator(asOperator(), INPUT);

    const types = (await userEventsOf(user)).map(({ type }) => type);
    expect(types).toEqual(["user_created.v1", "breach_check_failed.v1"]);
    services.breachedPasswordsUrl = null;
  });

  it("is nobody's but the operator's, who is no other machine of ours", async () => {
    await expectRefused(() => createAdministrator(asSignUp(), INPUT), { code: "FORBIDDEN" });
  });
});
