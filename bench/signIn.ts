import "reflect-metadata";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { verify } from "@node-rs/argon2";
import { Client } from "pg";
import { migrate } from "../src/database/migrate";
import { hashPassword } from "../src/identity/passwords";
import { newToken } from "../src/identity/tokens";
import { newId } from "../src/ids";
import { Link, requestOf } from "./link";
import { findPostgres } from "./postgres";
import { startGatehouse } from "./servers";
import { statementsOf } from "./statements";
import { Stops } from "./stops";
import { WORKS } from "./works";

/**
 * Sign-ins, beside a bare loop of argon2id with the same parameters and as many at once; and how long
 * others wait for `viewer` while sign-ins flood in. Besides, how many statements `viewer` takes in a
 * session, which is looked up each time.
 *
 *     npm run bench:sign-in
 *
 * Ends with 1 where a promise is not kept.
 */
const ROUNDS = 5;
const SECONDS = 4;
/** As many people as sign in at a time: more than hashes are computed at once. */
const FLOOD = 16;
/** Others, who ask now and then: nobody who floods. */
const CALM = 4;
const PAUSE_MS = 10;
const AT_ONCE = Math.max(1, Math.floor(availableParallelism() / 2));
const PROMISED = { signIns: 0.9, p99: 2, statements: 1 };
const PASSWORD = "correct horse battery staple";

const SIGN_IN = `mutation ($email: String!, $password: String!) {
  signIn(input: { email: $email, password: $password, transport: BEARER }) { session { id } } }`;
const VIEWER = "{ viewer { principal { id name } } }";

async function main(): Promise<void> {
  const stops = new Stops();
  try {
    const { what, url } = await findPostgres(stops);
    await migrate(url);
    const hash = await hashPassword(PASSWORD);
    const token = await people(url, hash);
    const inSession = { accounts: [{ id: "", keys: [token], ordinary: [] }] };
    const [statements] = await statementsOf(url, [WORKS.viewer], inSession);
    const { port } = await startGatehouse("Gatehouse", url, [], stops);
    const links = await Promise.all(times(FLOOD + CALM, () => Link.open(port)));
    stops.add(() => Promise.resolve(links.forEach((link) => link.close())));
    const ask = async (link: Link, query: string, variables: object, token?: string) => {
      const answer = await link.ask(requestOf(JSON.stringify({ query, variables }), token));
      if (!answer.startsWith("HTTP/1.1 200") || answer.includes('"errors"')) {
        throw new Error(answer);
      }
    };
    const flood = (i: number) =>
      ask(links[i]!, SIGN_IN, { email: `user${i}@example.com`, password: PASSWORD });
    const calm = (i: number) => ask(links[FLOOD + i]!, VIEWER, {}, token);
    await during(1, [times(FLOOD, () => flood), times(CALM, () => calm)]); // warm

    const rounds: { bare: number; signIns: number; quiet: number; flooded: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [bare] = await during(SECONDS, [times(AT_ONCE, () => () => verify(hash, PASSWORD))]);
      const [quiet] = await during(SECONDS, [times(CALM, () => paced(calm))]);
      const [signIns] = await during(SECONDS, [times(FLOOD, () => flood)]);
      const [, flooded] = await during(SECONDS, [
        times(FLOOD, () => flood),
        times(CALM, () => paced(calm)),
      ]);
      rounds.push({
        bare: bare!.length / SECONDS,
        signIns: signIns!.length / SECONDS,
        quiet: p99(quiet!),
        flooded: p99(flooded!),
      });
    }
    const of = (value: (round: (typeof rounds)[number]) => number) => median(rounds.map(value));
    const ratio = of(({ signIns, bare }) => signIns / bare);
    const waits = of(({ flooded, quiet }) => flooded / quiet);
    say(`${what}; Node ${process.version}; ${AT_ONCE} hashes at once; ${ROUNDS} × ${SECONDS} s.`);
    say(`argon2id alone: ${of(({ bare }) => bare).toFixed(1)}/s`);
    say(
      `sign-ins: ${of(({ signIns }) => signIns).toFixed(1)}/s, ${ratio.toFixed(2)} of it (promised ${PROMISED.signIns})`,
    );
    say(
      `viewer p99: ${of(({ quiet }) => quiet).toFixed(1)} ms quiet, ${of(({ flooded }) => flooded).toFixed(1)} ms ` +
        `under the flood, ${waits.toFixed(2)} × (promised ${PROMISED.p99})`,
    );
    say(
      `session look-up, with what was asked: ${statements} statement (promised ${PROMISED.statements})`,
    );
    const kept =
      ratio >= PROMISED.signIns && waits <= PROMISED.p99 && statements === PROMISED.statements;
    if (!kept) {
      say("TOO SLOW");
      process.exitCode = 1;
    }
  } finally {
    await stops.all();
  }
}

/** Users who can sign in, and the token of a session of another. */
async function people(url: string, hash: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { text, hash: tokenHash } = newToken("SESSION", null);
  const insert = `insert into users (id, email, name, password_hash, email_verified_at, created_at)
    values ($1, $2, 'User', $3, now(), now())`;
  for (let i = 0; i < FLOOD; i++) {
    await client.query(insert, [newId("User"), `user${i}@example.com`, hash]);
  }
  const other = newId("User");
  await client.query(insert, [other, "other@example.com", null]);
  await client.query(
    `insert into sessions (id, user_id, token_hash, methods, authenticated_at, last_used_at,
       expires_at, created_at)
     values ($1, $2, $3, '{PASSWORD}', now(), now(), now() + interval '1 day', now())`,
    [newId("Session"), other, tokenHash],
  );
  await client.end();
  return text;
}

type Act = (i: number) => Promise<unknown>;

/** Has each group act over and over for so long; gives how long each act of a group took, in ms. */
async function during(seconds: number, groups: readonly Act[][]): Promise<number[][]> {
  const until = performance.now() + seconds * 1000;
  return Promise.all(
    groups.map(async (acts) => {
      const took: number[] = [];
      await Promise.all(
        acts.map(async (act, i) => {
          while (performance.now() < until) {
            const from = performance.now();
            const waited = await act(i);
            const ended = performance.now();
            if (ended < until) took.push(ended - from - (typeof waited === "number" ? waited : 0));
          }
        }),
      );
      return took;
    }),
  );
}

/** The same with a pause before, which is told so that it doesn't count. */
const paced = (act: (i: number) => Promise<void>) => async (i: number) => {
  const from = performance.now();
  await sleep(PAUSE_MS);
  const paused = performance.now() - from;
  await act(i);
  return paused;
};

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);
const p99 = (values: number[]) => sorted(values)[Math.floor(values.length * 0.99)] ?? NaN;
const median = (values: number[]) => sorted(values)[Math.floor(values.length / 2)]!;
const say = (text: string) => void process.stdout.write(`${text}\n`);

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
