import "reflect-metadata";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { migrate } from "../src/database/migrate";
import { hashPassword } from "../src/identity/passwords";
import { newId } from "../src/ids";
import { Link, requestOf } from "./link";
import { findPostgres } from "./postgres";
import { startGatehouse } from "./servers";
import { Stops } from "./stops";

/**
 * Whether the time of many wrong sign-ins at once tells an attacker if an email has a user (U2). Bursts at
 * emails with a user and at others take turns at random, and an attacker's measures of a burst of one
 * kind are compared with those of each burst of the other. Half of the comparisons are right by chance.
 *
 *     npm run bench:guessing                 # --bursts 30 --at-once 120
 *
 * Ends with 1 where more are right, or fewer, than chance gives.
 */
const [BURSTS, AT_ONCE] = [numberOf("--bursts", 30), numberOf("--at-once", 120)];
/** Each connection asks again as soon as it has an answer, while what the first ones left is worked off. */
const IN_A_ROW = 3;
const WARM_UP = 3;
/** What a burst leaves to be written must not slow down the next one. */
const PAUSE_MS = 300;
/** Three standard deviations of a share that is by chance (Mann and Whitney's U): 1 in 370 is outside. */
const MOST_OFF = 3 * Math.sqrt((2 * BURSTS + 1) / (12 * BURSTS * BURSTS));

const SIGN_IN = `mutation ($email: String!) {
  signIn(input: { email: $email, password: "a wrong guess", transport: BEARER }) { token } }`;

/** What an attacker can measure of a burst, in ms: of its answers, or of other requests meanwhile. */
const MEASURES: Record<string, (burst: Burst) => number> = {
  "median answer": ({ took }) => quantile(took, 0.5),
  "slowest of ten": ({ took }) => quantile(took, 0.9),
  "all answers": ({ all }) => all,
  "median request beside": ({ beside }) => quantile(beside, 0.5),
  "slowest request beside": ({ beside }) => quantile(beside, 1),
};
interface Burst {
  took: number[];
  all: number;
  beside: number[];
}
type Measured = Record<string, number>;

async function main(): Promise<void> {
  const stops = new Stops();
  try {
    const { what, url } = await findPostgres(stops);
    await migrate(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    stops.add(() => client.end());
    await people(client);
    const { port } = await startGatehouse("Gatehouse", url, [], stops);
    const links = await Promise.all(Array.from({ length: AT_ONCE + 1 }, () => Link.open(port)));
    stops.add(() => Promise.resolve(links.forEach((link) => link.close())));

    const burst = async (email: string): Promise<Measured> => {
      // Each is the first that the server hears of: the network has tried nothing yet.
      await client.query("delete from throttles");
      await sleep(PAUSE_MS);
      const from = performance.now();
      const [other, ...guessing] = links;
      const took: number[] = [];
      const beside: number[] = [];
      let over = false;
      const asking = (async () => {
        while (!over) beside.push(await askBeside(other!));
      })();
      await Promise.all(
        guessing.map(async (link) => {
          for (let i = 0; i < IN_A_ROW; i++) took.push(await guess(link, email));
        }),
      );
      over = true;
      const all = performance.now() - from;
      await asking;
      return Object.fromEntries(
        Object.entries(MEASURES).map(([name, measure]) => [name, measure({ took, all, beside })]),
      );
    };

    for (let i = 0; i < WARM_UP; i++) for (const who of WHO) await burst(emailOf(who, -1 - i));
    const measured: Record<(typeof WHO)[number], Measured[]> = { user: [], nobody: [] };
    for (let i = 0; i < BURSTS; i++) {
      const order = Math.random() < 0.5 ? WHO : [...WHO].reverse();
      for (const who of order) measured[who].push(await burst(emailOf(who, i)));
    }

    say(`${what}; Node ${process.version}; ${BURSTS} bursts of ${AT_ONCE} for each kind of email.`);
    const share = (ratio: number) => `${(100 * ratio).toFixed(0)} %`;
    say(`by chance: 50 % right, and ${share(MOST_OFF)} more or less at the most\n`);
    say("| measure | with a user, ms | without, ms | told right |");
    say("| ------- | --------------: | ----------: | ---------: |");
    for (const name of Object.keys(MEASURES)) {
      const [user, nobody] = WHO.map((who) => measured[who].map((one) => one[name]!));
      const right = shareOfLonger(user!, nobody!);
      const middles = [user!, nobody!].map((values) => quantile(values, 0.5).toFixed(0));
      say(`| ${name} | ${middles.join(" | ")} | ${share(right)} |`);
      if (Math.abs(right - 0.5) > MOST_OFF) process.exitCode = 1;
    }
    if (process.exitCode) say("\nTOLD APART");
  } finally {
    await stops.all();
  }
}

const WHO = ["user", "nobody"] as const;

/** Emails of one length, whoever has them, so that requests are. */
const emailOf = (who: (typeof WHO)[number], i: number) =>
  `guessed${String((who === "user" ? 0 : 10_000) + WARM_UP + i).padStart(5, "0")}@example.com`;

async function people(client: Client): Promise<void> {
  const hash = await hashPassword("correct horse battery staple");
  for (let i = -WARM_UP; i < BURSTS; i++) {
    await client.query(
      `insert into users (id, email, name, password_hash, email_verified_at, created_at)
       values ($1, $2, 'User', $3, now(), now())`,
      [newId("User"), emailOf("user", i), hash],
    );
  }
}

/** Tries a wrong password; gives how long the answer took, in ms. */
const guess = (link: Link, email: string) =>
  timed(
    link,
    requestOf(JSON.stringify({ query: SIGN_IN, variables: { email } })),
    /INVALID_CREDENTIALS|RATE_LIMITED/,
  );

/** Asks for what takes a connection to the database, and waits for one with all others. */
const askBeside = (link: Link) =>
  timed(link, "GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n", /^HTTP\/1.1 200/);

async function timed(link: Link, request: string, expected: RegExp): Promise<number> {
  const from = performance.now();
  const answer = await link.ask(request);
  const took = performance.now() - from;
  if (!expected.test(answer)) throw new Error(answer);
  return took;
}

/** The share of pairs in which the first takes longer: 0.5 where nothing tells them apart. */
function shareOfLonger(a: number[], b: number[]): number {
  const wins = a.flatMap((x) => b.map((y) => Number(x > y) + Number(x === y) / 2));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

function quantile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)]!;
}

function numberOf(option: string, otherwise: number): number {
  const at = process.argv.indexOf(option);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 2)
    throw new Error(`${option} takes a whole number from 2.`);
  return value;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
