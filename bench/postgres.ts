import { execFile, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { startEmbedded } from "../src/database/embedded/embedded";
import type { Stops } from "./stops";

const INSTALLED = "/usr/lib/postgresql";
const OLDEST = 15;
/** PostgreSQL refuses to run as root; this is everybody's nobody. */
const NOBODY = 65534;
const START_TRIES = 200;

export interface Postgres {
  /** What it is, for the report. */
  what: string;
  /** An empty database of our own on it. */
  url: string;
}

/**
 * A PostgreSQL to measure on, durable as in earnest: the one that BENCH_DATABASE_URL names, else
 * a private cluster of what the system has installed, else the embedded one.
 */
export async function findPostgres(stops: Stops): Promise<Postgres> {
  const given = process.env["BENCH_DATABASE_URL"];
  const { what, urlOf } = given
    ? { what: "BENCH_DATABASE_URL", urlOf: (name: string) => withDatabase(given, name) }
    : ((await startInstalled(stops)) ?? (await startOurs(stops)));
  const name = `gatehouse_bench_${process.pid}`;
  const admin = given ?? urlOf("postgres");
  const version = await onServer(admin, `create database ${name}`);
  stops.add(() => onServer(admin, `drop database if exists ${name} with (force)`));
  return { what: `PostgreSQL ${version} (${what})`, url: urlOf(name) };
}

/** A cluster of the newest binaries that the system has, in a temporary folder. */
async function startInstalled(stops: Stops) {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED).map(Number) : [];
  const version = Math.max(...versions.filter((one) => one >= OLDEST));
  const bin = join(INSTALLED, String(version), "bin");
  if (!existsSync(join(bin, "postgres"))) return null;

  const folder = await mkdtemp(join(tmpdir(), "gatehouse-bench-"));
  stops.add(() => rm(folder, { recursive: true, force: true }));
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) await chown(folder, NOBODY, NOBODY);
  const options = { cwd: folder, ...(isRoot && { uid: NOBODY, gid: NOBODY }) };
  const data = join(folder, "data");
  const settings = [
    "-D",
    data,
    "-c",
    "listen_addresses=",
    "-c",
    `unix_socket_directories=${folder}`,
  ];

  const initdb = ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust"];
  await promisify(execFile)(join(bin, "initdb"), initdb, options);
  // Its own process group: Ctrl-C is for us, who stop it last.
  const child = spawn(join(bin, "postgres"), settings, {
    ...options,
    detached: true,
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  stops.add(async () => {
    child.kill("SIGINT");
    await ended;
  });
  const urlOf = (name: string) => `postgres://postgres@/${name}?host=${encodeURIComponent(folder)}`;
  for (let tries = 1; ; tries++) {
    const failure = await onServer(urlOf("postgres"), "select 1").then(() => null, String);
    if (!failure) return { what: `private cluster of ${bin}`, urlOf };
    if (tries === START_TRIES) throw new Error(`PostgreSQL in ${folder} did not start: ${failure}`);
    await sleep(50);
  }
}

async function startOurs(stops: Stops) {
  const directory = await mkdtemp(join(tmpdir(), "gatehouse-bench-"));
  stops.add(() => rm(directory, { recursive: true, force: true }));
  const { urlOf, stop } = await startEmbedded({ directory, durable: true });
  stops.add(stop);
  return { what: "embedded", urlOf };
}

/** Runs one statement and gives the server's version. */
async function onServer(url: string, text: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    return rows[0]!.server_version.split(" ")[0]!;
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const [, before, query = ""] = /^(postgres(?:ql)?:\/\/[^/]*)(?:\/[^?]*)?(\?.*)?$/.exec(url)!;
  return `${before}/${database}${query}`;
}
