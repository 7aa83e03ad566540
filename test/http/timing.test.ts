import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { hashPassword } from "../../src/identity/passwords";
import { sqlAsOwner, useDatabase } from "../support/database";
import { aSession, aUser } from "../support/factories";
import { type Answer, serve, type Served } from "../support/http";
import { times } from "../support/races";

const PASSWORD = "correct horse battery staple 42";
const RUNS = 60;
/** What a request leaves to be written after its answer must not slow down the next one. */
const PAUSE_MS = 15;

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve();
});

/** Emails of one length: an answer may repeat what was sent. */
let count = 0;
const email = () => `someone${String(++count).padStart(4, "0")}@example.com`;

/** All from one browser, which one of them has signed in with. */
const DEVICE = "d".repeat(43);
const signIn = (who: string) =>
  server.ask(
    `mutation { signIn(input: { email: "${who}", password: "a wrong guess" }) {
    session { id } userErrors { code message field } } }`,
    {},
    { headers: { cookie: `__Host-gatehouse_device=${DEVICE}` } },
  );
const signUp = (who: string) =>
  server.ask(`mutation { signUp(input: { email: "${who}", password: "${PASSWORD}", name: "Ida" }) {
    email signUpId userErrors { code message field } } }`);
const requestPasswordReset = (who: string) =>
  server.ask(`mutation { requestPasswordReset(input: { email: "${who}" }) {
    email userErrors { code message field } } }`);

interface Runs {
  ms: number[];
  answers: Answer[];
}

/** Each kind of request many times, in turns and in an order that nobody knows. */
async function interleaved(kinds: (() => Promise<Answer>)[], runs = RUNS): Promise<Runs[]> {
  const all = kinds.map((): Runs => ({ ms: [], answers: [] }));
  for (let run = -3; run < runs; run++) {
    const order = [...kinds.keys()].map((kind) => [Math.random(), kind] as const);
    for (const [, kind] of order.sort(([a], [b]) => a - b)) {
      await sqlAsOwner("delete from throttles");
      await sleep(PAUSE_MS);
      const started = performance.now();
      const answer = await kinds[kind]!();
      const ms = performance.now() - started;
      if (run < 0) continue; // until everything is prepared and compiled
      all[kind]!.ms.push(ms);
      all[kind]!.answers.push(answer);
    }
  }
  return all;
}

/**
 * The chance that one of `a` took longer than one of `b` (Mann and Whitney's U, as a share): 0.5 where
 * nothing tells them apart, whatever their distribution, so a busy machine makes no difference. Of two
 * times 60 its standard deviation is 0.05.
 */
function chanceOfLonger(a: number[], b: number[]): number {
  const wins = a.flatMap((x) => b.map((y) => Number(x > y) + Number(x === y) / 2));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

/** All that an answer says, apart from ids, times and the email that was sent. */
function said({ status, headers, text }: Answer): unknown {
  const shown = [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
  return {
    status,
    headers: shown,
    size: Buffer.byteLength(text),
    text: text.replace(/ott_[0-9a-z]{26}/g, "ott_").replace(/someone\d{4}@/g, "@"),
  };
}

/** Expects that nobody can tell these kinds of requests apart: text, code, size and time. */
async function expectAlike(kinds: Record<string, () => Promise<Answer>>): Promise<void> {
  const [first, ...others] = await interleaved(Object.values(kinds));
  for (const answer of [first!, ...others].flatMap(({ answers }) => answers)) {
    expect(said(answer)).toEqual(said(first!.answers[0]!));
  }
  const [, ...names] = Object.keys(kinds);
  for (const [i, { ms }] of others.entries()) {
    const chance = chanceOfLonger(ms, first!.ms);
    expect([names[i], chance, indistinct(chance)]).toEqual([names[i], chance, true]);
  }
}

/** Six standard deviations: what is alike is outside once in a hundred million runs. */
const indistinct = (chance: number) => chance > 0.2 && chance < 0.8;

it("U2: signIn does not tell who has a user, who has a password, or who was here before", async () => {
  const passwordHash = await hashPassword(PASSWORD);
  const [known, without, familiar, nobody] = times(4, email) as [string, string, string, string];
  await aUser({ email: known, passwordHash });
  await aUser({ email: without });
  const { id } = await aUser({ email: familiar, passwordHash });
  await aSession(id);
  const deviceHash = createHash("sha256").update(DEVICE).digest();
  await sqlAsOwner("update sessions set device_hash = $1", [deviceHash]);

  await expectAlike({
    "no such user": () => signIn(nobody),
    "a wrong password": () => signIn(known),
    "no password": () => signIn(without),
    "a wrong password where they have signed in before": () => signIn(familiar),
  });
}, 120_000);

it("U3: signUp does not tell whether an email is taken", async () => {
  const [free, taken] = times(2, email) as [string, string];
  await aUser({ email: taken });

  await expectAlike({ free: () => signUp(free), taken: () => signUp(taken) });
}, 120_000);

it("U3: requestPasswordReset does not tell who has a user, or a password", async () => {
  const [nobody, known, without] = times(3, email) as [string, string, string];
  await aUser({ email: known, passwordHash: await hashPassword(PASSWORD) });
  await aUser({ email: without });

  await expectAlike({
    "no such user": () => requestPasswordReset(nobody),
    "a user": () => requestPasswordReset(known),
    "one without a password": () => requestPasswordReset(without),
  });
}, 120_000);

it("notices a hash that is not made: what the tests above are there for", async () => {
  const who = email();
  const kinds = [() => requestPasswordReset(who), () => signUp(who)];

  const [without, withHash] = await interleaved(kinds, 20);

  expect(indistinct(chanceOfLonger(withHash!.ms, without!.ms))).toBe(false);
}, 120_000);
