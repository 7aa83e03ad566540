import { createAuthtoken } from "../../../src/operations/credentials/createAuthtoken";
import { useDatabase } from "../../support/database";
import { aMember, anAccount, as, DEVELOPER, withToken } from "../../support/factories";
import { itIssues } from "../../support/issuing";

beforeAll(useDatabase);

describe("createAuthtoken", () => {
  itIssues(createAuthtoken, {
    kind: "AUTHTOKEN",
    id: /^cr_/,
    secret: /^gat_[0-9a-z]{26}_[0-9a-z]{59}$/,
    type: "authtoken_created.v1",
  });

  it("C9: gives one that starts agents and does not call the API", async () => {
    const account = await anAccount();
    const ctx = await as(await aMember(account, DEVELOPER));

    const { secret } = await createAuthtoken(ctx, account.id, {});

    await expect(withToken(secret)).rejects.toMatchObject({ code: "WRONG_CREDENTIAL_KIND" });
  });
});
