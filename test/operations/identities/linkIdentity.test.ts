import { SocialProvider } from "../../../src/entities/Identity";
import { linkIdentity } from "../../../src/operations/identities/linkIdentity";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  asKeyOf,
  asNobody,
  asStaleUser,
  aUser,
  inBrowser,
  services,
} from "../../support/factories";
import { expectDenied, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeEach(() => sqlAsOwner("delete from throttles"));

const { GITHUB, GOOGLE } = SocialProvider;

describe("linkIdentity", () => {
  it("U8: gives the way there, for the session that asks and for ten minutes", async () => {
    const ctx = await inBrowser(await aUser());

    const { url, secret } = await linkIdentity(ctx, GITHUB, "/settings");

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:1\/login\/oauth\/authorize\?/);
    expect(url).not.toContain(secret);
    const [flow, ...more] = await sqlAsOwner<{ lasts: number }>(
      `select provider, return_to, used_at,
        round(extract(epoch from expires_at - created_at))::int as lasts
      from social_flows where session_id = $1`,
      [ctx.principal.sessionId],
    );
    expect(more).toEqual([]);
    expect(flow).toEqual({
      ...{ provider: "GITHUB", return_to: "/settings", used_at: null, lasts: 600 },
    });
  });

  it("U11: takes a proof of the last 15 minutes", async () => {
    const user = await aUser();
    const ctx = await asStaleUser(user);
    await expectDenied(user, () => linkIdentity(ctx, GITHUB, "/settings"), {
      action: "update User",
      code: "REAUTHENTICATION_REQUIRED",
    });
  });

  it("C7: refuses an API key, and nobody", async () => {
    const user = await aUser();
    const ctx = await asKeyOf(user);
    await expectDenied(user, () => linkIdentity(ctx, GITHUB, "/settings"), {
      action: "update User",
      code: "FORBIDDEN",
    });
    await expectRefused(() => linkIdentity(asNobody(), GITHUB, "/"), { code: "UNAUTHENTICATED" });
  });

  it.each(["", "settings", "//evil.example", "/\\evil.example", "https://evil.example", "/#a"])(
    "U8, Bad input: leads nowhere else than to a path of the frontend: not to %j",
    async (returnTo) => {
      const ctx = await inBrowser(await aUser());
      await expectRefused(() => linkIdentity(ctx, GITHUB, returnTo), {
        code: "BAD_USER_INPUT",
        field: ["returnTo"],
      });
    },
  );

  it("Bad input: refuses a provider that is not configured", async () => {
    const ctx = await inBrowser(await aUser());
    const { social } = services;
    services.social = [];
    try {
      await expectRefused(() => linkIdentity(ctx, GOOGLE, "/"), {
        code: "BAD_USER_INPUT",
        field: ["provider"],
      });
    } finally {
      services.social = social;
    }
  });

  it("U8: says so when the provider is away, and tells the operator why", async () => {
    const ctx = await inBrowser(await aUser());
    const report = jest.spyOn(ctx, "report");
    await expectRefused(() => linkIdentity(ctx, GOOGLE, "/"), { code: "PROVIDER_FAILED" });
    expect(report).toHaveBeenCalledTimes(1);
  });
});
