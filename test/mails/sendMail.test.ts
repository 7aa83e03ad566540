import type { Language } from "../../src/mails/languages";
import { MAILS } from "../../src/mails/languages";
import { queueMail } from "../../src/mails/queueMail";
import { confirmEmail } from "../../src/operations/users/confirmEmail";
import { requestPasswordReset } from "../../src/operations/users/requestPasswordReset";
import { resendVerification } from "../../src/operations/users/resendVerification";
import { resetPassword } from "../../src/operations/users/resetPassword";
import { signUp } from "../../src/operations/users/signUp";
import { updateEmail } from "../../src/operations/users/updateEmail";
import { hashPassword } from "../../src/identity/passwords";
import { db, sqlAsOwner, statements, useDatabase } from "../support/database";
import { anIdentity, asNobody, asUser, aUser } from "../support/factories";
import { deliver, recipient, tokenIn, useMail } from "../support/mail";

beforeAll(useDatabase);
beforeAll(useMail);
beforeEach(() => sqlAsOwner("delete from throttles"));

const PASSWORD = "correct horse battery staple";
let count = 0;
const anEmail = () => `addressee${++count}@example.com`;
const aGerman = async (fields: object = {}) => aUser({ language: "de", ...fields });

/** All that is delivered now: to whom, about what, in which language. */
const delivered = async () =>
  (await deliver()).map((mail) => [
    recipient(mail),
    mail.subject,
    mail.headers.get("content-language"),
  ]);
const subjectOf = (language: Language, name: "resetPassword" | "noSuchUser" | "verifyEmail") =>
  MAILS[language][name]("").subject;

describe("a mail to a user", () => {
  it.each<[stored: Language, asked: Language]>([
    ["de", "en"],
    ["en", "de"],
  ])("U5: is in theirs, %s, whoever asks for it in %s", async (stored, asked) => {
    const passwordHash = await hashPassword(PASSWORD);
    const { email } = await aUser({ language: stored, passwordHash });
    await requestPasswordReset(asNobody(asked), email);
    const mails = await deliver();
    expect(mails.map((mail) => [recipient(mail), mail.subject])).toEqual([
      [email, subjectOf(stored, "resetPassword")],
    ]);

    await resetPassword(asNobody(asked), tokenIn(mails[0]), "seventeen purple walruses");
    expect(await delivered()).toEqual([
      [email, MAILS[stored].passwordReset("", null, null).subject, stored],
    ]);
  });

  it("U3: is in theirs where a stranger signs up with their address", async () => {
    const { email } = await aGerman();
    const { signUpId } = await signUp(asNobody("en"), { email, password: PASSWORD, name: "Eve" });
    const told = [email, MAILS.de.alreadySignedUp("").subject, "de"];
    expect(await delivered()).toEqual([told]);

    await resendVerification(asNobody("en"), signUpId);
    expect(await delivered()).toEqual([told]);
  });

  it("U6: is in theirs where they have no password", async () => {
    const { id, email } = await aGerman();
    await anIdentity(id);
    await requestPasswordReset(asNobody("en"), email);
    expect(await delivered()).toEqual([
      [email, MAILS.de.passwordNotSet("", ["GitHub"]).subject, "de"],
    ]);
  });

  it("U12: is in theirs at the address before and the one after; at a taken one in its owner's", async () => {
    const user = await aGerman();
    const email = anEmail();
    const owner = await aUser({ language: "en" });
    await updateEmail(await asUser(user), owner.email);
    const told = [user.email, MAILS.de.emailChangeRequested("", null, null).subject, "de"];
    expect((await delivered()).sort()).toEqual(
      [[owner.email, MAILS.en.emailTaken().subject, "en"], told].sort(),
    );

    await updateEmail(await asUser(user), email);
    const asked = (await deliver()).find((mail) => recipient(mail) === email)!;
    expect(asked.subject).toBe(MAILS.de.updateEmail("").subject);
    await confirmEmail(await asUser(user), tokenIn(asked));
    expect(await delivered()).toEqual([
      [user.email, MAILS.de.emailChanged("", null).subject, "de"],
    ]);
  });

  it("is in English where theirs is one that there are no mails in any more", async () => {
    const { id: userId, email } = await aUser({ language: "tlh" });
    const at = new Date().toISOString();
    await queueMail(db, {
      ...{ kind: "notice", notice: "passwordSet", userId, at, ip: null, detail: null },
    });
    expect(await delivered()).toEqual([
      [email, MAILS.en.passwordSet("", null, null).subject, "en"],
    ]);
  });

  it("is in the language that they have by the time it is written", async () => {
    const { id, email } = await aUser({ passwordHash: await hashPassword(PASSWORD) });
    await requestPasswordReset(asNobody("en"), email);
    await sqlAsOwner("update users set language = 'de' where id = $1", [id]);
    expect(await delivered()).toEqual([[email, subjectOf("de", "resetPassword"), "de"]]);
  });
});

describe("a mail to an address without a user", () => {
  it.each<Language>(["de", "en"])("U1: is in %s where the sign-up was", async (language) => {
    const email = anEmail();
    const { signUpId } = await signUp(asNobody(language), {
      email,
      password: PASSWORD,
      name: "Zoe",
    });
    const told = [email, subjectOf(language, "verifyEmail"), language];
    expect(await delivered()).toEqual([told]);

    // A stranger who asks for it again has no say.
    await resendVerification(asNobody(language === "de" ? "en" : "de"), signUpId);
    expect(await delivered()).toEqual([told]);
  });

  it.each<Language>(["de", "en"])("U3: is in %s where the question was", async (language) => {
    const email = anEmail();
    await requestPasswordReset(asNobody(language), email);
    expect(await delivered()).toEqual([[email, subjectOf(language, "noSuchUser"), language]]);
  });

  it("is in English where it was queued before there were languages", async () => {
    const email = anEmail();
    await sqlAsOwner(
      "select from graphile_worker.add_job('mail', json_build_object('kind', 'reset_password', 'email', $1::text))",
      [email],
    );
    const { signUpId } = await signUp(asNobody("de"), { email, password: PASSWORD, name: "Zoe" });
    await sqlAsOwner("update one_time_tokens set language = null where id = $1", [signUpId]);
    expect(await delivered()).toEqual([
      [email, subjectOf("en", "noSuchUser"), "en"],
      [email, subjectOf("en", "verifyEmail"), "en"],
    ]);
  });
});

it("U3: looks nobody's language up while somebody waits", async () => {
  const { email } = await aGerman();
  const runs: string[][] = [];
  for (const who of [email, anEmail()]) {
    statements.length = 0;
    await requestPasswordReset(asNobody("en"), who);
    await signUp(asNobody("en"), { email: who, password: PASSWORD, name: "Eve" });
    runs.push([...statements]);
  }
  expect(runs[0]).toEqual(runs[1]);
  expect(runs[0]!.filter((statement) => /\busers\b/.test(statement))).toEqual([]);
});
