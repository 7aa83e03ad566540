import { createAccount } from "../../src/operations/accounts/createAccount";
import { disableMember } from "../../src/operations/members/disableMember";
import { signIn } from "../../src/operations/sessions/signIn";
import { useDatabase } from "../support/database";
import {
  ADMINISTRATOR,
  aMember,
  anAccount,
  as,
  asNobody,
  asUser,
  aUser,
  DEVELOPER,
  eventsOf,
  refusalsIn,
  userEventsOf,
} from "../support/factories";
import { eventually } from "../support/refusals";

beforeAll(useDatabase);

describe("what an event says was asked", () => {
  it("E2, Y4: is the same, done or refused, as the error says it", async () => {
    const account = await anAccount();
    const member = await aMember(account, DEVELOPER);
    const subject = { type: "Member", id: member.id };

    await disableMember(await as(await aMember(account, ADMINISTRATOR)), member.id);
    const refused = disableMember(await as(await aMember(account, DEVELOPER)), member.id);

    await expect(refused).rejects.toMatchObject({ decision: { action: "disable", subject } });
    expect(await eventsOf(account)).toMatchObject([{ decision: { action: "disable", subject } }]);
    expect(await refusalsIn(account)).toMatchObject([
      { object_id: member.id, decision: { action: "disable", subject, allowed: false } },
    ]);
  });

  it("E2: names what was created, and nothing where that came to nothing", async () => {
    const user = await aUser();
    const { id } = await createAccount(await asUser(user), "Acme");
    const created = (await eventsOf({ id })).map(({ decision }) => decision);
    expect(created).toMatchObject([
      { action: "create", subject: { type: "Account", id } },
      { action: "create", subject: { type: "Member", id: expect.any(String) as string } },
    ]);

    await expect(signIn(asNobody(), user.email, "wrong")).rejects.toBeDefined();
    await eventually(async () => (await userEventsOf(user)).length > 0);
    expect(await userEventsOf(user)).toMatchObject([
      { decision: { action: "create", subject: { type: "Session", id: null } } },
    ]);
  });
});
