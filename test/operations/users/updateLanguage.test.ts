import type { User } from "../../../src/entities/User";
import { updateLanguage } from "../../../src/operations/users/updateLanguage";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  aMember,
  anAccount,
  asKeyOf,
  asNobody,
  aServiceUser,
  as,
  asStaleUser,
  asUser,
  aUser,
  userEventsOf,
} from "../../support/factories";
import { deliver, useMail } from "../../support/mail";
import { everything, expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);

const languageOf = async ({ id }: User) =>
  (await sqlAsOwner<{ language: string }>("select language from users where id = $1", [id]))[0]!
    .language;

describe("updateLanguage", () => {
  it("changes the caller's own, with an event of theirs and no mail", async () => {
    const [user, other] = [await aUser(), await aUser()];

    expect(await updateLanguage(await asUser(user), "de")).toBe("de");

    expect(await languageOf(user)).toBe("de");
    expect(await languageOf(other)).toBe("en");
    expect(await userEventsOf(user)).toMatchObject([
      {
        type: "user_language_updated.v1",
        principal_id: user.id,
        object_id: user.id,
        changes: { language: ["en", "de"] },
      },
    ]);
    expect(await userEventsOf(other)).toEqual([]);
    expect(await deliver()).toEqual([]);
  });

  it("changes and records nothing for the language they have", async () => {
    const user = await aUser({ language: "de" });
    const ctx = await asUser(user);
    const before = await everything();
    expect(await updateLanguage(ctx, "de")).toBe("de");
    expect(await everything()).toEqual(before);
  });

  it("U11: is nothing sensitive: an old proof will do", async () => {
    const user = await aUser();
    await updateLanguage(await asStaleUser(user), "de");
    expect(await languageOf(user)).toBe("de");
  });

  it.each(["fr", "de-AT", "DE", "", "constructor", "e\u0000n", "x".repeat(10_000)])(
    "refuses a language that there are no mails in, and says which there are: %j",
    async (tag) => {
      const ctx = await asUser(await aUser());
      await expectRefused(() => updateLanguage(ctx, tag), {
        code: "BAD_USER_INPUT",
        field: ["language"],
        message: expect.stringContaining("en, de") as string,
      });
    },
  );

  it("C7: refuses an API key, and nobody", async () => {
    const user = await aUser();
    const denied = { action: "update User", code: "FORBIDDEN" };
    const key = await asKeyOf(user);
    await expectDenied(user, () => updateLanguage(key, "de"), denied);
    await expectRefused(() => updateLanguage(asNobody(), "de"), { code: "UNAUTHENTICATED" });
  });

  it("S2: refuses a service user, who is written no mails", async () => {
    const account = await anAccount();
    await aMember(account);
    const ctx = await as(await aServiceUser(account));
    const denied = { action: "update User", code: "FORBIDDEN" };
    await expectDenied(account, () => updateLanguage(ctx, "de"), denied);
  });
});
