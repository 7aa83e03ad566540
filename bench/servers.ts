import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stops } from "./stops";

export interface Server {
  name: ServerName;
  pid: number;
  port: number;
}
/** One that can be spoken to. */
export interface Child extends Server {
  process: ChildProcess;
}

/** Programs that need nothing of Gatehouse but its database; peers are installed apart. */
const SMALL = {
  limit: "dist/bench/limit.js",
  hand: "dist/bench/hand.js",
  mercurius: "bench/peers/mercurius.mjs",
  PostGraphile: "bench/peers/postgraphile.mjs",
} as const;
type SmallName = keyof typeof SMALL;
export type ServerName = SmallName | "Gatehouse" | "resolvers";

const ROOT = join(__dirname, "../..");
const START_MS = 30_000;

/** Each server is a process of its own on the same database. */
export async function startServers(
  names: readonly ServerName[],
  databaseUrl: string,
  profile: string | undefined,
  stops: Stops,
): Promise<Server[]> {
  const servers: Server[] = [];
  const profiling = profile ? ["--cpu-prof", `--cpu-prof-dir=${resolve(profile)}`] : [];
  for (const name of new Set(names)) {
    servers.push(
      name === "Gatehouse" || name === "resolvers"
        ? await startGatehouse(name, databaseUrl, name === "Gatehouse" ? profiling : [], stops)
        : await startSmall(name, databaseUrl, stops),
    );
  }
  return servers;
}

async function startSmall(name: SmallName, databaseUrl: string, stops: Stops) {
  const child = fork(join(ROOT, SMALL[name]), {
    env: { PATH: process.env["PATH"], NODE_ENV: "production", DATABASE_URL: databaseUrl },
  });
  stops.add(() => ended(child));
  const { port } = await soon(name, child, (found: (message: { port: number }) => void) =>
    child.once("message", found),
  );
  return { name, pid: child.pid!, port };
}

/**
 * The server as `npm start` runs it, in production and with its log; or without compiling. Node
 * gets these flags besides.
 */
export async function startGatehouse(
  name: "Gatehouse" | "resolvers",
  databaseUrl: string,
  flags: readonly string[],
  stops: Stops,
): Promise<Child> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: { start: string };
  };
  const [, ...start] = scripts.start.split(" "); // after `node`
  const port = await freePort();
  const child = spawn(process.execPath, [...flags, ...start], {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      HOST: "127.0.0.1",
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      DATABASE_POOL_SIZE: "10",
      GATEHOUSE_PUBLIC_URL: "https://gatehouse.example",
      GATEHOUSE_SMTP_URL: "smtp://127.0.0.1:9", // no work mails anything
      GATEHOUSE_ENCRYPTION_KEYS: `bench:${Buffer.alloc(32).toString("base64")}`,
      GATEHOUSE_LOG_LEVEL: "warn",
      GATEHOUSE_COMPILED_READS: String(name === "Gatehouse"),
    },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  stops.add(() => ended(child));
  child.stdout!.resume();
  await soon(name, child, (found: (nothing: void) => void) => void isReady(port).then(found));
  return { name, pid: child.pid!, port, process: child };
}

async function freePort(): Promise<number> {
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  socket.close();
  await once(socket, "close");
  return port;
}

async function isReady(port: number): Promise<void> {
  const answered = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answered())) await sleep(20);
}

function soon<T>(
  name: string,
  child: ChildProcess,
  wait: (found: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (how: string) => reject(new Error(`The server "${name}" ${how}.`));
    const timer = setTimeout(fail, START_MS, "did not start in time");
    child.once("exit", () => fail("ended before it listened"));
    wait((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

/** Stops a process and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await gone;
}
