import { SocialProvider } from "../../../src/entities/Identity";
import { SignInMethod } from "../../../src/entities/Session";
import type { User } from "../../../src/entities/User";
import { hashPassword } from "../../../src/identity/passwords";
import { newId } from "../../../src/ids";
import { unlinkIdentity } from "../../../src/operations/identities/unlinkIdentity";
import { openSession } from "../../../src/operations/steps/openSession";
import { completeSignIn } from "../../../src/operations/sessions/completeSignIn";
import { sqlAsOwner, useDatabase } from "../../support/database";
import {
  anAuthenticator,
  anIdentity,
  asKeyOf,
  asNobody,
  asStaleUser,
  asUser,
  aUser,
  services,
} from "../../support/factories";
import { deliver, recipient, useMail } from "../../support/mail";
import { atOnce } from "../../support/races";
import {
  denials,
  eventually,
  expectDenied,
  expectNotFound,
  expectRefused,
} from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);

let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword("correct horse battery staple");
});

const { GITHUB, GOOGLE } = SocialProvider;
const eventsOf = ({ id }: User) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [id]);
const identitiesOf = ({ id }: User) =>
  sqlAsOwner<{ id: string }>("select * from identities where user_id = $1 order by id", [id]);

describe("unlinkIdentity", () => {
  it("U8: unlinks one, records it as it was, and mails a notice", async () => {
    const user = await aUser({ passwordHash });
    const { id, subject } = await anIdentity(user.id);

    expect(await unlinkIdentity(await asUser(user), id)).toMatchObject({ id, provider: GITHUB });

    expect(await identitiesOf(user)).toEqual([]);
    expect(await eventsOf(user)).toMatchObject([
      {
        type: "identity_unlinked.v1",
        principal_id: user.id,
        object_id: id,
        object: { id, provider: "GITHUB", subject },
        decision: { action: "delete", rule: "Users link and unlink their own identities." },
      },
    ]);
    const mails = await deliver();
    expect(mails.map((mail) => [recipient(mail), mail.subject])).toEqual([
      [user.email, "A way to sign in to your user account was removed"],
    ]);
    expect(mails[0]!.text).toContain("GitHub");
  });

  it("U8, T2: voids a sign-in by it that waits for a code", async () => {
    const user = await aUser({ passwordHash });
    const { id } = await anIdentity(user.id);
    const { codes } = await anAuthenticator(user.id);
    const { challenge } = await openSession(asNobody(), { ...user, emailVerified: true }, [
      SignInMethod.GITHUB,
    ]);
    await eventually(async () => (await denials()).some(({ stream }) => stream === user.id));

    await unlinkIdentity(await asUser(user), id);

    await expectRefused(() => completeSignIn(asNobody(), challenge!.token, codes[0]!), {
      code: "TOKEN_INVALID",
    });
  });

  it("U8: leaves another of a provider that is configured as the way in", async () => {
    const user = await aUser();
    const [one, two] = [await anIdentity(user.id), await anIdentity(user.id, { provider: GOOGLE })];
    await unlinkIdentity(await asUser(user), one.id);
    expect((await identitiesOf(user)).map(({ id }) => id)).toEqual([two.id]);
  });

  it("U8: refuses the last way in, and says what to do", async () => {
    const user = await aUser();
    const { id } = await anIdentity(user.id);
    const ctx = await asUser(user);
    await expectRefused(() => unlinkIdentity(ctx, id), {
      code: "CONFLICT",
      field: ["identityId"],
      message: expect.stringContaining("`setPassword`") as string,
    });
  });

  it("U8: counts no identity of a provider that is not configured any more", async () => {
    const user = await aUser();
    const { id } = await anIdentity(user.id);
    await anIdentity(user.id, { provider: GOOGLE });
    const ctx = await asUser(user);
    const { social } = services;
    services.social = social.filter(({ provider }) => provider === GITHUB);
    try {
      await expectRefused(() => unlinkIdentity(ctx, id), { code: "CONFLICT" });
    } finally {
      services.social = social;
    }
  });

  it("U8: leaves one of two that are unlinked at once", async () => {
    for (let round = 0; round < 5; round++) {
      const user = await aUser();
      const both = [await anIdentity(user.id), await anIdentity(user.id, { provider: GOOGLE })];
      const acts = [];
      for (const { id } of both) {
        const ctx = await asUser(user);
        acts.push(() => unlinkIdentity(ctx, id));
      }
      expect(await atOnce(acts)).toEqual({ done: 1, codes: ["CONFLICT"] });
      expect(await identitiesOf(user)).toHaveLength(1);
    }
  });

  it("U11: takes a proof of the last 15 minutes", async () => {
    const user = await aUser({ passwordHash });
    const { id } = await anIdentity(user.id);
    const ctx = await asStaleUser(user);
    const denied = { action: "delete Identity", code: "REAUTHENTICATION_REQUIRED" };
    await expectDenied(user, () => unlinkIdentity(ctx, id), denied);
  });

  it("Y3: knows no identity of another's, and none that never was", async () => {
    const user = await aUser({ passwordHash });
    const { id } = await anIdentity((await aUser()).id);
    const ctx = await asUser(user);
    for (const one of [id, newId("Identity"), newId("User"), "", "idn_"]) {
      await expectNotFound(() => unlinkIdentity(ctx, one));
    }
    await expectRefused(() => unlinkIdentity(asNobody(), id), { code: "UNAUTHENTICATED" });
  });

  it("C7: refuses an API key", async () => {
    const user = await aUser({ passwordHash });
    const { id } = await anIdentity(user.id);
    const ctx = await asKeyOf(user);
    const denied = { action: "update User", code: "FORBIDDEN" };
    await expectDenied(user, () => unlinkIdentity(ctx, id), denied);
  });
});
