import { hashPassword } from "../../../src/identity/passwords";
import { signIn } from "../../../src/operations/sessions/signIn";
import { requestPasswordReset } from "../../../src/operations/users/requestPasswordReset";
import { resetPassword } from "../../../src/operations/users/resetPassword";
import { setPassword } from "../../../src/operations/users/setPassword";
import { signUp } from "../../../src/operations/users/signUp";
import { updatePassword } from "../../../src/operations/users/updatePassword";
import { verifyEmail } from "../../../src/operations/users/verifyEmail";
import { sqlAsOwner, statements, useDatabase } from "../../support/database";
import {
  aMember,
  anAccount,
  asNobody,
  asUser,
  aUser,
  signedIn,
  services,
} from "../../support/factories";
import { serve } from "../../support/http";
import { deliver, tokenIn, useMail } from "../../support/mail";
import { answerWith, breach, meanwhile, ranges, usePwned } from "../../support/pwned";
import { atOnce, times } from "../../support/races";
import { eventually, expectRefused } from "../../support/refusals";

beforeAll(useDatabase);
beforeAll(useMail);
let pwned: string;
beforeAll(async () => {
  pwned = await usePwned();
});
beforeEach(async () => {
  await sqlAsOwner("delete from throttles");
  services.breachedPasswordsUrl = pwned;
  services.name = "Gatehouse";
});

const OLD = "correct horse battery staple";
const NEW = "seventeen purple walruses dance";
let passwordHash: string;
beforeAll(async () => {
  passwordHash = await hashPassword(OLD);
});

let count = 0;
const someone = (password = NEW) => ({
  email: `new${++count}@example.com`,
  password,
  name: "Ida New",
});

/** Each way to choose a password: for whom it is prepared, and how it is then chosen. */
const WAYS: [
  way: string,
  field: string,
  prepare: () => Promise<(text: string) => Promise<Ready>>,
][] = [
  [
    "signing up",
    "password",
    async () => async (password) => {
      const input = someone(password);
      await signUp(asNobody(), input);
      const mails = await deliver();
      const { user } = await verifyEmail(asNobody(), tokenIn(mails.at(-1)), password);
      return user;
    },
  ],
  [
    "resetting it",
    "newPassword",
    async () => {
      const user = await aUser({ passwordHash });
      await requestPasswordReset(asNobody(), user.email);
      const token = tokenIn((await deliver()).at(-1));
      return (password) => resetPassword(asNobody(), token, password);
    },
  ],
  [
    "changing it",
    "newPassword",
    async () => {
      const ctx = await asUser(await aUser({ passwordHash }));
      return (password) => updatePassword(ctx, OLD, password);
    },
  ],
  [
    "setting a first one",
    "newPassword",
    async () => {
      const ctx = await asUser(await aUser());
      return (password) => setPassword(ctx, password);
    },
  ],
];
type Ready = { id: string; email: string };

const failures = ({ id }: Ready) =>
  sqlAsOwner("select * from user_events where user_id = $1 and type = 'breach_check_failed.v1'", [
    id,
  ]);

describe.each(WAYS)("%s", (_way, field, prepare) => {
  it("U4: refuses a password of a known breach, and says what to do", async () => {
    breach({ [NEW]: 3 });
    const choose = await prepare();

    await expectRefused(() => choose(NEW), {
      code: "WEAK_PASSWORD",
      field: [field],
      message: expect.stringMatching(
        /known breach.+Choose one that you have used nowhere else\.$/,
      ) as string,
    });
    // Nothing was used up: another one is taken.
    expect(await failures(await choose(`${NEW} again`))).toEqual([]);
  });

  it("U4: takes one of no breach, with no transaction open while it is looked up", async () => {
    const choose = await prepare();
    const open: unknown[] = [];
    meanwhile(async () => {
      open.push(
        ...(await sqlAsOwner(`select query from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()
            and state like 'idle in transaction%'`)),
      );
    });

    const user = await choose(NEW);

    expect(ranges).toHaveLength(1);
    expect(open).toEqual([]);
    expect(signedIn(await signIn(asNobody(), user.email, NEW)).session.userId).toBe(user.id);
    expect(await failures(user)).toEqual([]);
  });

  it("U4: asks nobody about a weak one", async () => {
    const choose = await prepare();

    await expectRefused(() => choose("password12345"), { code: "WEAK_PASSWORD", field: [field] });
    await expectRefused(() => choose("short"), { code: "BAD_USER_INPUT", field: [field] });

    expect(ranges).toEqual([]);
  });

  it("U4: asks nobody unless the operator says whom", async () => {
    services.breachedPasswordsUrl = null;
    breach({ [NEW]: 3 });

    const user = await (await prepare())(NEW);

    expect(ranges).toEqual([]);
    expect(await failures(user)).toEqual([]);
  });

  it.each([
    ["is away", () => (services.breachedPasswordsUrl = "http://127.0.0.1:1")],
    ["answers something else", () => answerWith((reply) => reply.end("<html>"))],
    ["is slow", () => answerWith(() => undefined)],
  ])("U4, E5: takes any strong one while the look-up %s, and records that", async (_why, fail) => {
    breach({ [NEW]: 3 });
    const choose = await prepare();
    fail();

    const user = await choose(NEW);

    expect(signedIn(await signIn(asNobody(), user.email, NEW)).session.userId).toBe(user.id);
    const events = await failures(user);
    expect(events).toMatchObject([
      { object_id: user.id, changes: {}, decision: { allowed: true } },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/argon2|walrus/);
  });
});

describe("while the look-up is away", () => {
  it("tells the operator, and nothing of the password", async () => {
    const server = await serve({
      env: { GATEHOUSE_BREACHED_PASSWORDS_URL: "http://127.0.0.1:1/mirror" },
    });
    const { email, name } = someone();

    const { data, errors } = await server.ask(
      `mutation { signUp(input: { email: "${email}", password: "${NEW}", name: "${name}" }) {
        signUpId userErrors { code } } }`,
    );

    expect(errors).toEqual([]);
    expect(data).toMatchObject({ signUp: { userErrors: [] } });
    const told = server.log.filter((line) => line.includes("known breach"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("http://127.0.0.1:1 failed");
    expect(server.log.join("")).not.toMatch(/walrus|range\//);
  });
});

describe("many that are refused", () => {
  beforeEach(() => (services.breachedPasswordsUrl = null));

  it.each(WAYS)("U10: are counted by network, when %s", async (_way, _field, prepare) => {
    const choose = await prepare();
    await sqlAsOwner("delete from throttles");
    const { codes } = await atOnce(times(23, () => () => choose("password12345")));
    const limited = codes.filter((code) => code === "RATE_LIMITED");
    expect([codes.length, limited.length]).toEqual([23, 2]);

    await sqlAsOwner("delete from throttles");
    for (let i = 0; i < 4; i++)
      await expectRefused(() => choose("password12345"), { code: "WEAK_PASSWORD" });
    await choose(NEW);
    // A good one forgives them.
    await eventually(async () => (await choices()) === 0);
    expect(await choices()).toBe(0);
  });

  const choices = async () =>
    (
      await sqlAsOwner<{ tries: number }>("select tries from throttles where key like 'choice %'")
    )[0]!.tries;
});

describe("words that a password must not be made of", () => {
  beforeEach(() => (services.breachedPasswordsUrl = null));
  const weak = { code: "WEAK_PASSWORD" };

  it.each(WAYS)("U4: the product's, when %s", async (_way, field, prepare) => {
    const choose = await prepare();
    services.name = "Qzvorplex";

    await expectRefused(() => choose("qzvorplexqzvorplex"), { ...weak, field: [field] });
    services.name = "Gatehouse";
    await expect(choose("qzvorplexqzvorplex")).resolves.toBeDefined();
  });

  it("U4: those of the accounts that somebody belongs to, by one statement", async () => {
    const user = await aUser({ passwordHash });
    const ctx = await asUser(user);
    const [there, gone] = [await anAccount({ name: "Vrobnik Quext" }), await anAccount()];
    await sqlAsOwner("update accounts set name = 'Zylphad Mornak' where id = $1", [gone.id]);
    await aMember(there, {}, { userId: user.id });
    await aMember(gone, {}, { userId: user.id, removedAt: new Date() });
    await requestPasswordReset(asNobody(), user.email);
    const token = tokenIn((await deliver()).at(-1));

    await expectRefused(() => updatePassword(ctx, OLD, "vrobnik quext"), weak);
    await expectRefused(() => resetPassword(asNobody(), token, "vrobnik quext"), weak);
    statements.length = 0;
    await updatePassword(ctx, OLD, "zylphad mornak");

    expect(statements.filter((text) => text.includes("join accounts"))).toHaveLength(1);
  });
});
