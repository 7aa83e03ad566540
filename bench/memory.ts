import "reflect-metadata";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { migrate } from "../src/database/migrate";
import { newToken } from "../src/identity/tokens";
import { newId } from "../src/ids";
import { findPostgres } from "./postgres";
import { type Seeded, seed } from "./seed";
import { type Child, startGatehouse } from "./servers";
import { Stops } from "./stops";

/**
 * What 10,000 different documents leave in memory, of node and of PostgreSQL: whatever is kept of a
 * document must be bounded, so the second half may add next to nothing.
 *
 *     npm run bench:memory
 *
 * Ends with 1 where it grows.
 */
const STOPS = [0, 2_500, 5_000, 10_000];
/** As many as the server has connections to the database. */
const CONNECTIONS = 10;
/**
 * How much more may be in use after the last documents than before them. All of node's is heap that
 * V8 has freed and kept, too, and moves by a third by itself.
 */
const MOST_GROWTH = { heap: 0.1, node: 0.5, PostgreSQL: 0.1 };
type Memory = typeof MOST_GROWTH;
const FIGURES = Object.keys(MOST_GROWTH) as (keyof Memory)[];

async function main(): Promise<void> {
  const stops = new Stops();
  try {
    const { what, url } = await findPostgres(stops);
    await migrate(url);
    const seeded = await seed(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    stops.add(() => client.end());
    const callers = await callersOf(seeded, client);
    const flags = ["--expose-gc", "--require", join(__dirname, "heap.js")];
    const server = await startGatehouse("Gatehouse", url, flags, stops);
    say(`${what}; Node ${process.version}; ${callers.length} callers. In MB:\n`);
    say(
      `| documents | ${FIGURES.join(" | ")} |\n| --- | ${FIGURES.map(() => "---:").join(" | ")} |`,
    );

    const measured: Memory[] = [];
    for (const [i, stop] of STOPS.entries()) {
      await ask(server, callers, STOPS[i - 1] ?? 0, stop);
      const memory = await memoryOf(server, client);
      measured.push(memory);
      const cells = FIGURES.map((figure) => (memory[figure] / 2 ** 20).toFixed(1));
      say(`| ${stop} | ${cells.join(" | ")} |`);
    }
    const [before, after] = measured.slice(-2) as [Memory, Memory];
    const grown = FIGURES.filter(
      (figure) => after[figure] > before[figure] * (1 + MOST_GROWTH[figure]),
    );
    if (grown.length) say(`\nNot bounded: ${grown.join(", ")}.`);
    process.exitCode = grown.length ? 1 : 0;
  } finally {
    await stops.all();
  }
}

interface Caller {
  token: string;
  accountId: string;
}

/** API keys whose owners hold different roles, and a session: a plan for each. */
async function callersOf({ accounts }: Seeded, client: Client): Promise<Caller[]> {
  const { id: accountId, keys } = accounts[0]!;
  const { rows } = await client.query<{ id: string; user_id: string }>(
    `select id, user_id from memberships where account_id = $1 and administrator order by id`,
    [accountId],
  );
  await client.query(
    "update memberships set administrator = false, team = 'MANAGER' where id = $1",
    [rows[1]!.id],
  );
  await client.query("update memberships set administrator = false where id = $1", [rows[2]!.id]);
  const { text, hash } = newToken("SESSION", null);
  await client.query(
    `insert into sessions (id, user_id, token_hash, methods, authenticated_at, last_used_at,
       expires_at, created_at)
     values ($1, $2, $3, '{PASSWORD}', now(), now(), now() + interval '1 day', now())`,
    [newId("Session"), rows[0]!.user_id, hash],
  );
  return [text, ...keys].map((token) => ({ token, accountId }));
}

/** Asks each of the documents from one number to another, as every caller. */
async function ask(server: Child, callers: Caller[], from: number, to: number): Promise<void> {
  let next = from;
  const drive = async () => {
    while (next < to) {
      const number = next++;
      const asked = callers.map((caller) => ({ number, caller }));
      // Some come again and again, so that every connection prepares what has a name.
      for (let i = 0; i < 2; i++) asked.push({ number: anyOf(OFTEN), caller: anyOf(callers) });
      for (const { number, caller } of asked) {
        const { token, accountId } = caller;
        const query = documentOf(number);
        const response = await fetch(`http://127.0.0.1:${server.port}/graphql`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          body: JSON.stringify({ query, variables: { id: accountId } }),
        });
        const text = await response.text();
        if (!text.startsWith('{"data":{"account":{"id":')) {
          throw new Error(`${query} was answered: ${text.slice(0, 500)}`);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, drive));
}

const OFTEN = Array.from({ length: 40 }, (_, number) => number);
const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;

/** What a document may ask for besides; together more choices than there are documents. */
const PARTS = [
  "name createdAt",
  "can { update delete createCredential }",
  "members(first: 2) { nodes { id disabledAt can { disable remove } } }",
  "administrators: members(first: 2, filter: { roles: { administrator: true } }) { nodes { id } }",
  "people: members(first: 2) { nodes { user { email name } } pageInfo { hasNextPage endCursor } }",
  "owners: members(first: 2) { nodes { credentials(first: 2) { nodes { id kind status } } } }",
  "credentials(first: 2) { nodes { id description lastUsedAt can { revoke } } }",
  "keys: credentials(first: 2, filter: { kind: API_KEY }) { nodes { owner { id } } }",
  "events(first: 2) { nodes { id type occurredAt } }",
  "log: events(first: 2) { nodes { principal { id kind subject } changes } }",
  "invitations(first: 2) { nodes { id email status } }",
  "serviceUsers(first: 2) { nodes { id name } pageInfo { hasNextPage } }",
  "machines: serviceUsers(first: 2) { nodes { credentials(first: 2) { nodes { id } } } }",
];

/** No two are alike: every other one is small, so that there are many, and every other is not. */
function documentOf(number: number): string {
  // Each choice once, large ones and small ones in turn: the factor is odd.
  const choice = ((number >> 1) * 2731) % 2 ** PARTS.length;
  const parts = PARTS.filter((_, i) => number % 2 && (choice >> i) & 1);
  const name = number % 2 ? "Large" : `Small${number}`;
  return `query ${name}($id: ID!) { account(id: $id) { id ${parts.join(" ")} } }`;
}

/** In bytes: the heap after a collection, all of the process, and all connections' own memory. */
async function memoryOf(server: Child, client: Client): Promise<Memory> {
  const { rows } = await client.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name = 'gatehouse'",
  );
  const heap = new Promise<number>((resolve) =>
    server.process.once("message", ({ heapUsed }: { heapUsed: number }) => resolve(heapUsed)),
  );
  server.process.send("heap");
  return {
    heap: await heap,
    node: statusOf(server.pid, "VmRSS"),
    PostgreSQL: rows.reduce((sum, { pid }) => sum + statusOf(pid, "RssAnon"), 0),
  };
}

/** A line of /proc/<pid>/status; NaN where there is none, as for a PostgreSQL far away. */
function statusOf(pid: number, line: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(new RegExp(`^${line}:\\s*(\\d+) kB`, "m").exec(text)![1]) * 1024;
  } catch {
    return NaN;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
