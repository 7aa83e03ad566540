import { hashPassword } from "../../src/identity/passwords";
import { confirmEmail } from "../../src/operations/users/confirmEmail";
import { requestPasswordReset } from "../../src/operations/users/requestPasswordReset";
import { resendVerification } from "../../src/operations/users/resendVerification";
import { resetPassword } from "../../src/operations/users/resetPassword";
import { signUp } from "../../src/operations/users/signUp";
import { updateEmail } from "../../src/operations/users/updateEmail";
import { updatePassword } from "../../src/operations/users/updatePassword";
import { verifyEmail } from "../../src/operations/users/verifyEmail";
import { sqlAsOwner, useDatabase } from "../support/database";
import { asNobody, aSession, asUser, aUser } from "../support/factories";
import { deliver, hurry, recipient, refuseNextMail, tokenIn, useMail } from "../support/mail";
import { codeOf, times } from "../support/races";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(async () => {
  await sqlAsOwner("delete from throttles");
  await sqlAsOwner("delete from graphile_worker._private_jobs");
});

const OLD = "correct horse battery staple";
const NEW = "seventeen purple walruses dance";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(OLD);
});

/** Has the job that was queued last run first. */
const swapJobs = () => sqlAsOwner("update graphile_worker._private_jobs set priority = -id");

/** Works off all jobs with several workers at once, and gives each mail that arrived. */
async function deliverInParallel() {
  const inboxes = await Promise.all(times(4, () => deliver()));
  return [...new Set(inboxes.flat())];
}

/** What the link of each mail comes to, when each is followed once. */
async function outcomes(follow: (token: string) => Promise<unknown>, tokens: string[]) {
  const results: string[] = [];
  for (const token of tokens) {
    results.push(await follow(token).then(() => "done", codeOf));
  }
  return results.sort();
}

describe("a request to choose a new password", () => {
  /** A user who has signed in where they ask from, so that several mails go at once. */
  async function aPerson() {
    const user = await aUser({ passwordHash });
    await aSession(user.id);
    return user;
  }
  const follow = (token: string) => resetPassword(asNobody(), token, NEW);

  it("U5: that is older mails nothing once the job of a newer one has run", async () => {
    const { email } = await aPerson();
    await requestPasswordReset(asNobody(), email);
    await requestPasswordReset(asNobody(), email);
    await swapJobs();

    const mails = await deliver();

    expect(mails.map(recipient)).toEqual([email]);
    expect(await outcomes(follow, mails.map(tokenIn))).toEqual(["done"]);
  });

  it("U5: that is tried again voids no link of a newer one", async () => {
    const { email } = await aPerson();
    await requestPasswordReset(asNobody(), email);
    refuseNextMail();
    expect(await deliver()).toEqual([]);
    await requestPasswordReset(asNobody(), email);
    const newer = await deliver();
    await hurry();

    expect(await deliver()).toEqual([]);

    expect(await outcomes(follow, newer.map(tokenIn))).toEqual(["done"]);
  });

  it("U5: leaves one link that works, however many workers run the jobs at once", async () => {
    for (let i = 0; i < 5; i++) {
      await sqlAsOwner("delete from throttles");
      await sqlAsOwner("delete from graphile_worker._private_jobs"); // notices of the round before
      const { id, email } = await aPerson();
      for (let i = 0; i < 4; i++) await requestPasswordReset(asNobody(), email);
      await swapJobs();

      const mails = await deliverInParallel();

      const [newest] = await sqlAsOwner<{ count: number }>(
        `select count(*)::int from one_time_tokens
          where user_id = $1 and purpose = 'RESET_PASSWORD' and used_at is null`,
        [id],
      );
      expect(newest).toEqual({ count: 1 });
      const results = await outcomes(follow, mails.map(tokenIn));
      expect(results.filter((result) => result === "done")).toHaveLength(1);
    }
  });

  it("U5: mails nothing that works once the password was changed after it", async () => {
    const user = await aPerson();
    await requestPasswordReset(asNobody(), user.email);
    await updatePassword(await asUser(user), OLD, NEW);

    const mails = await deliver();

    expect(mails.map((mail) => mail.subject)).toEqual(["Your password was changed"]);
  });

  it("U5: mails nothing that works once an earlier link was used", async () => {
    const user = await aPerson();
    await requestPasswordReset(asNobody(), user.email);
    const [first] = await deliver();
    await requestPasswordReset(asNobody(), user.email);
    await follow(tokenIn(first));

    const mails = await deliver();

    expect(mails.map((mail) => mail.subject)).toEqual(["Your password was reset"]);
  });

  it("U5: works after a link of the same user was used before it", async () => {
    const user = await aPerson();
    for (let i = 0; i < 2; i++) {
      await requestPasswordReset(asNobody(), user.email);
      const mail = (await deliver()).find(({ subject }) => subject === "Choose a new password");
      expect(await outcomes(follow, [tokenIn(mail)])).toEqual(["done"]);
    }
  });
});

describe("the link of a sign-up", () => {
  let count = 0;
  const someone = () => ({ email: `order${++count}@example.com`, password: OLD, name: "Ida" });
  const follow = (token: string) => verifyEmail(asNobody(), token, OLD);

  it("U1: is mailed for the newest request alone, in whatever order the jobs run", async () => {
    const { signUpId } = await signUp(asNobody(), someone());
    await resendVerification(asNobody(), signUpId);
    await swapJobs();

    const mails = await deliver();

    expect(await outcomes(follow, mails.map(tokenIn))).toEqual(["done"]);
  });

  it("U1: of a newer request stays valid when the job of an older one is tried again", async () => {
    const { signUpId } = await signUp(asNobody(), someone());
    refuseNextMail();
    expect(await deliver()).toEqual([]);
    await resendVerification(asNobody(), signUpId);
    const newer = await deliver();
    await hurry();

    expect(await deliver()).toEqual([]);

    expect(await outcomes(follow, newer.map(tokenIn))).toEqual(["done"]);
  });

  it("U1: is one, when several workers run the jobs at once", async () => {
    const { signUpId } = await signUp(asNobody(), someone());
    for (let i = 0; i < 3; i++) await resendVerification(asNobody(), signUpId);

    const mails = await deliverInParallel();

    expect(await outcomes(follow, mails.map(tokenIn))).toEqual(["done"]);
  });
});

describe("the link of a new email address", () => {
  it("U12: is mailed for the newest request alone, in whatever order the jobs run", async () => {
    const user = await aUser({ passwordHash });
    const ctx = await asUser(user);
    await updateEmail(ctx, "first.wish@example.com");
    await updateEmail(ctx, "second.wish@example.com");
    await swapJobs();

    const links = (await deliver()).filter((mail) => recipient(mail) !== user.email);

    expect(links.map(recipient)).toEqual(["second.wish@example.com"]);
    const follow = (token: string) => confirmEmail(ctx, token);
    expect(await outcomes(follow, links.map(tokenIn))).toEqual(["done"]);
  });
});
