import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { queueMail } from "../../../src/mails/queueMail";
import { en } from "../../../src/mails/en";
import { folderMailer } from "../../../src/mails/mailer";
import { resendVerification } from "../../../src/operations/users/resendVerification";
import { signIn } from "../../../src/operations/sessions/signIn";
import { signUp } from "../../../src/operations/users/signUp";
import { verifyEmail } from "../../../src/operations/users/verifyEmail";
import { newId } from "../../../src/ids";
import { newToken } from "../../../src/identity/tokens";
import { db, sqlAsOwner, statements, useDatabase } from "../../support/database";
import { asNobody, aUser, signedIn } from "../../support/factories";
import {
  APP_URL,
  deliver,
  hurry,
  recipient,
  refuseNextMail,
  tokenIn,
  useMail,
} from "../../support/mail";
import { atOnce, codeOf, times } from "../../support/races";
import { everything, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(() => sqlAsOwner("delete from throttles"));

const PASSWORD = "correct horse battery staple";
let count = 0;
const someone = (fields: object = {}) => ({
  email: `new${++count}@example.com`,
  password: PASSWORD,
  name: "Ida New",
  ...fields,
});
const eventsOf = (userId: string) =>
  sqlAsOwner("select * from user_events where user_id = $1 order by id", [userId]);
const usersWith = (email: string) => sqlAsOwner("select * from users where email = $1", [email]);

/** Signs up and gives the token of the mailed link. */
async function signedUp(input = someone()): Promise<{
  email: string;
  signUpId: string;
  token: string;
}> {
  const made = await signUp(asNobody(), input);
  const mails = await deliver();
  return { ...made, token: tokenIn(mails.at(-1)) };
}

describe("signUp", () => {
  it("U1: mails a link, whose token creates the user, who then signs in", async () => {
    const input = someone({ email: "  Ida@Example.com " });

    expect(await signUp(asNobody(), input)).toMatchObject({ email: "ida@example.com" });
    expect(await usersWith("ida@example.com")).toEqual([]);
    const [mail, ...more] = await deliver();
    expect(more).toEqual([]);
    expect(recipient(mail!)).toBe("ida@example.com");
    expect(mail!.text).toContain(`${APP_URL}/verify-email#token=`);

    const verified = await verifyEmail(asNobody(), tokenIn(mail), PASSWORD);
    const { user } = verified;
    const { session } = signedIn(verified);
    expect(user).toMatchObject({ email: "ida@example.com", name: "Ida New" });
    expect(user.emailVerifiedAt).not.toBeNull();
    expect(await eventsOf(user.id)).toMatchObject([
      { type: "user_created.v1", principal_kind: "SYSTEM", principal_id: "sign-up" },
      { type: "signed_in.v1", principal_id: user.id, session_id: session.id },
    ]);
    expect(JSON.stringify(await eventsOf(user.id))).not.toContain("argon2");
    const again = signedIn(await signIn(asNobody(), "ida@example.com", PASSWORD));
    expect(again.session.userId).toBe(user.id);
  });

  it("U1: keeps the language that it was asked in for the user, whoever confirms it in which", async () => {
    const input = someone();
    await signUp(asNobody("de"), input);
    const token = tokenIn((await deliver()).at(-1));

    const { user } = await verifyEmail(asNobody("en"), token, PASSWORD);

    expect(await usersWith(input.email)).toMatchObject([{ id: user.id, language: "de" }]);
  });

  it("U2, U3: lets nobody in before the email is confirmed, so that signing in tells nothing", async () => {
    const { email } = await signedUp();

    await expectRefused(() => signIn(asNobody(), email, PASSWORD), { code: "INVALID_CREDENTIALS" });
  });

  it("U3: does and answers the same for a taken email; the mail says so", async () => {
    const taken = await aUser();
    const runs: string[][] = [];
    for (const email of [taken.email, someone().email]) {
      statements.length = 0;
      const { signUpId, ...answer } = await signUp(asNobody(), someone({ email }));
      expect(answer).toEqual({ email });
      expect(signUpId).toMatch(/^ott_/);
      runs.push([...statements]);
    }
    expect(runs[0]).toEqual(runs[1]);

    const mails = await deliver();
    const toTaken = mails.find((mail) => recipient(mail) === taken.email)!;
    expect(toTaken.subject).toBe("You have already signed up");
    expect(toTaken.text).not.toContain("token=");
    expect(await usersWith(taken.email)).toHaveLength(1);
  });

  it("keeps no token at rest: neither in the job nor beside the sign-up", async () => {
    await signUp(asNobody(), someone());
    expect(JSON.stringify(await everything())).not.toContain("got_");
    const token = tokenIn((await deliver())[0]);
    expect(JSON.stringify(await everything())).not.toContain(token);
  });

  it("tells in the mail nothing that whoever signed up chose, and fetches nothing", async () => {
    const name = 'Buy <a href="https://evil.example">here</a>';
    await signUp(asNobody(), someone({ name }));

    const [mail] = await deliver();

    expect(mail!.text + String(mail!.html)).not.toContain("evil.example");
    expect(mail!.html).not.toMatch(/<(img|link|script|iframe)|url\(|@import/);
    expect(mail!.headers.get("auto-submitted")).toBe("auto-generated");
  });

  it.each([
    ["no email", { email: "nobody" }, "BAD_USER_INPUT", "email"],
    ["two emails", { email: "a@example.com, b@example.com" }, "BAD_USER_INPUT", "email"],
    ["a line break", { email: "a@example.com\r\nBcc: b@example.com" }, "BAD_USER_INPUT", "email"],
    [
      "256 bytes of email",
      { email: `${"a".repeat(60)}@${"b.".repeat(96)}com` },
      "BAD_USER_INPUT",
      "email",
    ],
    ["no name", { name: " " }, "BAD_USER_INPUT", "name"],
    ["a short password", { password: "short" }, "BAD_USER_INPUT", "password"],
    ["a common password", { password: "password12345" }, "WEAK_PASSWORD", "password"],
    [
      "their name as a password",
      { name: "Idabella Newcomer", password: "idabella newcomer" },
      "WEAK_PASSWORD",
      "password",
    ],
  ])("U4: refuses %s", async (_what, fields, code, field) => {
    await expectRefused(() => signUp(asNobody(), someone(fields)), { code, field: [field] });
  });

  it("U10: sends nobody many mails", async () => {
    const input = someone();
    const { done, codes } = await atOnce(times(10, () => () => signUp(asNobody(), input)));
    expect(done).toBe(6); // five, and the one that the waits begin with
    expect(new Set(codes)).toEqual(new Set(["RATE_LIMITED"]));
    expect(await deliver()).toHaveLength(2);
    // What was asked for too often stays unsent.
    expect(await sqlAsOwner("select from graphile_worker._private_jobs")).toEqual([]);
  });
});

describe("verifyEmail", () => {
  it("U1: takes a token once, of many at the same time", async () => {
    const { email, token } = await signedUp();

    const { done, codes } = await atOnce(
      times(5, () => () => verifyEmail(asNobody(), token, PASSWORD)),
    );

    expect({ done, codes }).toEqual({ done: 1, codes: times(4, () => "TOKEN_INVALID") });
    expect(await usersWith(email)).toHaveLength(1);
  });

  it("U1: makes one user of two sign-ups with one email, confirmed at once", async () => {
    const input = someone();
    const tokens = [(await signedUp(input)).token, (await signedUp(input)).token];

    const { done, codes } = await atOnce(
      tokens.map((one) => () => verifyEmail(asNobody(), one, PASSWORD)),
    );

    expect({ done, codes }).toEqual({ done: 1, codes: ["TOKEN_INVALID"] });
    expect(await usersWith(input.email)).toHaveLength(1);
  });

  it("U1: refuses what is expired, unknown, mistyped or for something else, all alike", async () => {
    const { email, token } = await signedUp();
    await sqlAsOwner("update one_time_tokens set expires_at = now() where email = $1", [email]);

    const wrong = [
      token,
      newToken("ONE_TIME", null).text,
      token.slice(1),
      newToken("SESSION", null).text,
      "",
    ];
    for (const one of wrong) {
      await sqlAsOwner("delete from throttles");
      await expectRefused(() => verifyEmail(asNobody(), one, PASSWORD), {
        code: "TOKEN_INVALID",
        field: ["token"],
      });
    }
  });

  it("U1: takes the password too: nobody confirms what a stranger has prepared", async () => {
    const victim = someone();
    const { token } = await signedUp({ ...victim, password: "the stranger's own long secret" });

    await expectRefused(() => verifyEmail(asNobody(), token, PASSWORD), {
      code: "INVALID_CREDENTIALS",
    });
  });

  it("refuses a sign-up whose email got a user since", async () => {
    const { email, token } = await signedUp();
    await aUser({ email });

    await expectRefused(() => verifyEmail(asNobody(), token, PASSWORD), { code: "TOKEN_INVALID" });
  });

  it("U10: slows down whoever tries tokens", async () => {
    const { codes } = await atOnce(
      times(25, () => () => verifyEmail(asNobody(), "got_x", PASSWORD)),
    );
    expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(4);
    // It keeps nobody waiting whose link is good.
    const { token } = await signedUp();
    await expect(verifyEmail(asNobody(), token, PASSWORD)).resolves.toMatchObject({
      challenge: null,
    });
  });
});

describe("resendVerification", () => {
  it("U1: mails a new link, and the one before is void", async () => {
    const { email, signUpId, token } = await signedUp();

    await resendVerification(asNobody(), signUpId);
    const again = tokenIn((await deliver())[0]);

    await expectRefused(() => verifyEmail(asNobody(), token, PASSWORD), { code: "TOKEN_INVALID" });
    expect((await verifyEmail(asNobody(), again, PASSWORD)).user.email).toBe(email);
  });

  it("U3: answers alike for a sign-up that never was or is over, and mails nothing", async () => {
    const { signUpId, token } = await signedUp();
    await verifyEmail(asNobody(), token, PASSWORD);
    for (const id of [signUpId, newId("OneTimeToken")]) {
      expect(await resendVerification(asNobody(), id)).toBe(id);
    }
    expect(await deliver()).toEqual([]);
  });

  it("U3: does not tell by its counts that the email has a user since", async () => {
    const answers = [];
    for (const taken of [true, false]) {
      const { email, signUpId, token } = await signedUp();
      // The mails of the address are used up, before its owner confirms it or not.
      await atOnce(
        times(10, () => () => signUp(asNobody(), { email, password: PASSWORD, name: "Ida" })),
      );
      if (taken) await verifyEmail(asNobody(), token, PASSWORD);
      const outcomes: string[] = [];
      for (let i = 0; i < 8; i++) {
        const resend = resendVerification(asNobody(), signUpId);
        outcomes.push(await resend.then(() => "ok", codeOf));
      }
      answers.push(outcomes);
      await sqlAsOwner("delete from throttles");
    }
    expect(answers[0]).toEqual([...times(6, () => "ok"), "RATE_LIMITED", "RATE_LIMITED"]);
    expect(answers[1]).toEqual(answers[0]);
  });

  it("U10: is counted, however many ask at once", async () => {
    const { signUpId } = await signedUp();
    const { done, codes } = await atOnce(
      times(10, () => () => resendVerification(asNobody(), signUpId)),
    );
    expect({ done, codes }).toEqual({ done: 6, codes: times(4, () => "RATE_LIMITED") });
    // The newest request alone mails its link.
    expect(await deliver()).toHaveLength(1);
  });

  it("refuses what is no ID of a sign-up", async () => {
    await expectRefused(() => resendVerification(asNobody(), newId("User")), {
      code: "BAD_USER_INPUT",
      field: ["signUpId"],
    });
  });
});

describe("mail", () => {
  it("is not sent for what rolled back", async () => {
    const undone = db.transaction(async (connection) => {
      await queueMail(connection, {
        kind: "reset_password",
        id: newId("OneTimeToken"),
        requestedAt: new Date(),
        email: "ada@example.com",
        language: "en",
        ip: null,
        device: null,
      });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");

    expect(await deliver()).toEqual([]);
  });

  it("is a file that its owner alone may read, without an SMTP server", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "gatehouse-mail-")), "mail");
    const told: string[] = [];
    const mailer = folderMailer(folder, "Gatehouse <gatehouse@localhost>", (text) =>
      told.push(text),
    );

    await mailer.send(
      "ada@example.com",
      "en",
      en.resetPassword("https://app.example.com/#token=x"),
    );

    const [file, ...more] = readdirSync(folder);
    expect(more).toEqual([]);
    expect(statSync(join(folder, file!)).mode & 0o777).toBe(0o600);
    const mail = await simpleParser(readFileSync(join(folder, file!)));
    expect(mail.text).toContain("https://app.example.com/#token=x");
    expect(told.join()).toContain("https://app.example.com/#token=x");
    rmSync(folder, { recursive: true });
  });

  it("is tried again when the server refuses it for now, with a link that works", async () => {
    refuseNextMail();
    await signUp(asNobody(), someone());
    expect(await deliver()).toEqual([]);
    const [job] = await sqlAsOwner(
      "select attempts, last_error from graphile_worker._private_jobs",
    );
    expect(job).toMatchObject({ attempts: 1 });
    expect(job!["last_error"]).toMatch(/Try again later/);

    await hurry();
    const [mail] = await deliver();

    expect((await verifyEmail(asNobody(), tokenIn(mail), PASSWORD)).user.name).toBe("Ida New");
    expect(await sqlAsOwner("select from graphile_worker._private_jobs")).toEqual([]);
  });
});
