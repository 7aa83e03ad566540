import "reflect-metadata";
import { fork } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { migrate } from "../src/database/migrate";
import { check } from "./check";
import { cpuOf, usedBetween } from "./cpu";
import type { Measured, Slot } from "./load";
import { findPostgres } from "./postgres";
import { ratioOf, type Result, type Round, table } from "./report";
import { type Seeded, seed } from "./seed";
import { ended, type Server, startServers } from "./servers";
import { statementsOf } from "./statements";
import { Stops } from "./stops";
import { CONNECTIONS, type Work, USUAL, type WorkName, WORKS } from "./works";

/**
 * How near Gatehouse comes to the physical limit: servers side by side on one database,
 * measured in turns, so that whatever else the machine does falls on all of them.
 * docs/performance.md says how to read the figures.
 *
 *     npm run bench -- --works nested,viewer --rounds 7 --seconds 2
 *
 * `--profile <folder>` has V8 write a profile of Gatehouse there. Ends with 1 where a work is
 * slower than promised.
 */
/** For V8 to compile what each work runs. */
const WARM_SECONDS = 5;
const PATIENCE_MS = 60_000;

async function main(): Promise<void> {
  const { names, rounds, seconds, profile } = readOptions();
  const stops = new Stops();
  try {
    const { what, url } = await findPostgres(stops);
    await migrate(url);
    const seeded = await seed(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    stops.add(() => client.end());
    const works: Work[] = names.map((name) => WORKS[name]);
    const statements = await statementsOf(url, works, seeded);
    const taking = works.flatMap(({ servers }) => servers);
    const servers = await startServers(taking, url, profile, stops);
    const serversOf = (name: WorkName) =>
      servers.filter((server) => WORKS[name].servers.includes(server.name));
    const load = startLoad(seeded, stops);
    await check(servers, works, seeded, client);
    say(`${what}; Node ${process.version}; ${availableParallelism()} × ${cpus()[0]?.model}.`);
    say(
      `${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s each. All give the same data.\n`,
    );

    const measure = async (server: Server, work: WorkName, time: number): Promise<Result> => {
      const before = await cpuOf(server.pid, client);
      const measured = await load({ work, port: server.port, seconds: time });
      const used = usedBetween(before, await cpuOf(server.pid, client));
      const each = (time: number) => time / measured.requests;
      return { ...measured, node: each(used.node), postgres: each(used.postgres) };
    };
    for (const name of names) {
      for (const server of serversOf(name)) await measure(server, name, WARM_SECONDS);
    }
    const results = new Map<WorkName, Round[]>(names.map((name) => [name, []]));
    for (let done = 0; done < rounds; done++) {
      for (const name of names) {
        const round: Partial<Round> = {};
        for (const server of shuffled(serversOf(name))) {
          round[server.name] = await measure(server, name, seconds);
        }
        results.get(name)!.push(round as Round);
      }
    }
    names.forEach((name, i) => say(table(WORKS[name], results.get(name)!, statements[i]!)));
    const slow = names.some(
      (name) => ratioOf(WORKS[name], results.get(name)!) < WORKS[name].atLeast,
    );
    process.exitCode = slow ? 1 : 0;
  } finally {
    await stops.all();
  }
}

/** The load generator; what it gives back puts load on one server for a while. */
function startLoad(
  seeded: Seeded,
  stops: Stops,
): (slot: Omit<Slot, "seeded">) => Promise<Measured> {
  const child = fork(join(__dirname, "load.js"));
  stops.add(() => ended(child));
  return (slot) =>
    new Promise((resolve, reject) => {
      const late = () => reject(new Error(`"${slot.work}" took too long.`));
      const timer = setTimeout(late, slot.seconds * 1000 + PATIENCE_MS);
      child.once("message", ({ measured, error }: { measured?: Measured; error?: string }) => {
        clearTimeout(timer);
        if (measured) resolve(measured);
        else reject(new Error(error));
      });
      child.send({ ...slot, seeded });
    });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      works: { type: "string", default: USUAL.join(",") },
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "2" },
      profile: { type: "string" },
    },
  });
  const names = values.works.split(",").map((name) => {
    if (name in WORKS) return name as WorkName;
    throw new Error(`There is no work "${name}"; there are ${Object.keys(WORKS).join(", ")}.`);
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(rounds >= 1 && seconds > 0))
    throw new Error("--rounds and --seconds take numbers above 0.");
  return { names, rounds, seconds, profile: values.profile };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
