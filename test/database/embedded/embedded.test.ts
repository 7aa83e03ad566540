import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { EmbeddedUnavailable, startEmbedded } from "../../../src/database/embedded/embedded";

// Unsharing and giving up root are Linux's; elsewhere there is nothing to try.
const onLinux = process.platform === "linux" ? it : it.skip;
const asRoot = process.geteuid?.() === 0 ? onLinux : it.skip;

const withoutUnshare = { PATH: "/nonexistent" };

let directory: string;
const children: ChildProcess[] = [];
const start = (more: { durable?: boolean; log?: (message: string) => void } = {}) =>
  startEmbedded({ directory, durable: false, maxConnections: 20, ...more });

/** A database made once, for the tests that are about no making of one. */
let pristine: string;
beforeAll(async () => {
  pristine = await mkdtemp(join(tmpdir(), "embedded-pristine-"));
  await chmod(pristine, 0o755);
  await (await startEmbedded({ directory: pristine, durable: false })).stop();
});
afterAll(() => rm(pristine, { recursive: true, force: true }));

async function withDatabase(): Promise<void> {
  const place = join(directory, "postgres");
  await mkdir(place, { mode: 0o700 });
  await cp(join(pristine, "postgres", "data"), join(place, "data"), { recursive: true });
  await chmod(join(place, "data"), 0o700);
}

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "embedded-test-")));
  await chmod(directory, 0o755);
});

afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  // Whatever a failed test left running is adopted and stopped.
  if (existsSync(join(directory, "postgres", "data", "postmaster.pid")))
    await (await start()).stop();
  await rm(directory, { recursive: true, force: true });
});

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
    return rows.flat();
  } finally {
    await client.end();
  }
}

/** The server's pid, by its own account; undefined once it has shut down. */
async function serverPid(): Promise<number | undefined> {
  const file = join(directory, "postgres", "data", "postmaster.pid");
  return readFile(file, "utf8").then(Number.parseInt, () => undefined);
}

async function ended(pid: number | undefined): Promise<void> {
  const state = () => readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
  while (!/\) [XZ]/.test(await state())) await sleep(10);
}

/** Starts it in a process of its own, which says what it got and then does `next`. */
function elsewhere(next: "ends" | "stays" | "stops", env: NodeJS.ProcessEnv = {}): ChildProcess {
  const program = `
    const { startEmbedded } = require(${JSON.stringify(resolve("src/database/embedded/embedded.ts"))});
    startEmbedded({ directory: process.argv[1], durable: false, maxConnections: 20 }).then(
      async ({ started, url, stop }) => {
        console.log(JSON.stringify({ started, url }));
        if (process.argv[2] === "stays") setInterval(() => {}, 1000);
        if (process.argv[2] === "stops") await stop();
      });`;
  const args = ["--require", "tsx/cjs", "-e", program, directory, next];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function said(child: ChildProcess): Promise<{ started: boolean; url: string }> {
  const [line] = (await once(child.stdout!, "data")) as [Buffer];
  return JSON.parse(line.toString()) as { started: boolean; url: string };
}

it("keeps its data between runs", async () => {
  const first = await start({ durable: true });
  await ask(first.url, "create table kept as select 42 as n");
  await first.stop();
  await first.stop();
  expect(await serverPid()).toBeUndefined();

  const second = await start({ durable: true });
  expect(second.started).toBe(true);
  expect(await ask(second.url, "select n from kept")).toEqual([42]);
  expect(await ask(second.url, "show fsync")).toEqual(["on"]);
  await second.stop();
});

it("knows Unicode's lower case and sorts by byte, in every database", async () => {
  const { url, urlOf, stop } = await start();
  await ask(url, 'create database "another one"');
  for (const each of [url, urlOf("another one")]) {
    expect(await ask(each, "select lower('ÅÉΣИ')")).toEqual(["åéσи"]);
    expect(await ask(each, "select x from unnest('{b,B,é,a,z}'::text[]) x order by x")).toEqual(
      Array.from("Babzé"),
    );
  }
  await stop();
});

it("listens where nobody else can enter, and nowhere else", async () => {
  await withDatabase();
  const { url, stop } = await start();
  const socket = new URL(url.replace("@/", "@x/")).searchParams.get("host")!;
  expect((await stat(socket)).mode & 0o777).toBe(0o700);
  expect((await stat(join(directory, "postgres"))).mode & 0o007).toBe(0);
  expect((await stat(join(directory, "postgres.log"))).mode & 0o777).toBe(0o600);
  expect(await ask(url, "show listen_addresses")).toEqual([""]);
  await stop();
});

onLinux("keeps its own environment from the server", async () => {
  await withDatabase();
  const child = elsewhere("stays", { GATEHOUSE_SECRET: "hunter2" });
  await said(child);
  expect(await readFile(`/proc/${await serverPid()}/environ`, "utf8")).not.toContain("hunter2");
});

it("adopts a running server, and stops it with its last user", async () => {
  await withDatabase();
  const child = elsewhere("stays");
  const theirs = await said(child);
  const ours = await start();
  expect([theirs.started, ours.started]).toEqual([true, false]);
  expect(ours.url).toBe(theirs.url);
  const again = await start();
  await again.stop();
  await ours.stop();
  expect(await ask(theirs.url, "select 1")).toEqual([1]);

  const last = await start();
  await killed(child);
  await last.stop();
  expect(await serverPid()).toBeUndefined();
});

it("lets its process end, and adopts and stops what that leaves running", async () => {
  await withDatabase();
  const child = elsewhere("ends");
  const { url } = await said(child);
  await once(child, "exit");
  const pid = await serverPid();
  expect(await ask(url, "select 1")).toEqual([1]);

  const { started, stop } = await start();
  expect(started).toBe(false);
  expect(await serverPid()).toBe(pid);
  await stop();
  expect(await serverPid()).toBeUndefined();
});

it("starts anew what was left running with other settings", async () => {
  await withDatabase();
  await once(elsewhere("ends"), "exit");
  const { started, url, stop } = await start({ durable: true });
  expect(started).toBe(true);
  expect(await ask(url, "show fsync")).toEqual(["on"]);
  await stop();
});

it("starts after a kill -9 of the server", async () => {
  await withDatabase();
  const first = await start({ durable: true });
  await ask(first.url, "create table kept as select 42 as n");
  const pid = (await serverPid())!;
  process.kill(pid, "SIGKILL");
  await ended(pid);

  const second = await start({ durable: true });
  expect(second.started).toBe(true);
  expect(await ask(second.url, "select n from kept")).toEqual([42]);
  await second.stop();
  await first.stop();
  expect(await serverPid()).toBeUndefined();
});

it("starts where the pid of a dead server has a new owner, and leaves that one alone", async () => {
  await withDatabase();
  await (await start()).stop();
  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  const lines = [other.pid, join(directory, "postgres", "data"), 1, 5432, "/x", "", "1 2", "ready"];
  await writeFile(join(directory, "postgres", "data", "postmaster.pid"), lines.join("\n"));
  if (process.geteuid?.() === 0) {
    const { uid, gid } = await stat(join(directory, "postgres", "data"));
    await chown(join(directory, "postgres", "data", "postmaster.pid"), uid, gid);
  }
  const { started, stop } = await start();
  expect(started).toBe(true);
  await stop();
  expect(other.exitCode ?? other.signalCode).toBeNull();
  other.kill();
});

it("starts one server where several processes start at once", async () => {
  const starting = [elsewhere("stays"), elsewhere("stays"), elsewhere("stays")];
  const answers = await Promise.all(starting.map(said));
  expect(answers.map(({ started }) => started).sort()).toEqual([false, false, true]);
  const { url, stop } = await start();
  expect(answers.map((answer) => answer.url)).toEqual([url, url, url]);
  await Promise.all(starting.map(killed));
  await stop();
  expect(await serverPid()).toBeUndefined();
});

it("makes the database again where it was interrupted half-way", async () => {
  const child = elsewhere("stays");
  const place = join(directory, "postgres");
  const drafts = async () =>
    (await readdir(place).catch(() => [])).filter((n) => n.includes("new"));
  while ((await drafts()).length === 0) await sleep(5);
  await killed(child);
  expect(existsSync(join(place, "data"))).toBe(false);

  const { url, stop } = await start();
  expect(await ask(url, "select 1")).toEqual([1]);
  await stop();
  expect(await drafts()).toEqual([]);
});

it("takes a short path for its socket where the project's is long or odd", async () => {
  const top = directory;
  for (const name of ["long".repeat(40), 'a "b", ä']) {
    directory = join(top, name);
    const { url, stop } = await start();
    expect(await ask(url, "select 1")).toEqual([1]);
    await stop();
    const short = await readlink(join(directory, "postgres", "short")).catch(() => undefined);
    expect(short !== undefined).toBe(name.startsWith("long"));
    if (short) await rm(short, { recursive: true });
  }
  directory = top;
});

it("doesn't let its log grow for ever", async () => {
  await withDatabase();
  const log = join(directory, "postgres.log");
  await writeFile(log, "x".repeat(1_500_000));
  const { url, stop } = await start();
  await ask(url, "select 1/0").catch(() => undefined);
  await stop();
  expect(await readFile(log, "utf8")).toMatch(/ready to accept connections/);
  expect(await readFile(log, "utf8")).not.toMatch(/x{10}|division/);
});

asRoot("runs as nobody where it may have no namespace, even out of nobody's reach", async () => {
  // As a project under /root is.
  const top = directory;
  await chmod(top, 0o700);
  directory = join(top, "project");
  for (const started of [1, 2]) {
    const child = elsewhere("stays", withoutUnshare);
    const { url } = await said(child);
    await ask(url, `create table run${started} ()`);
    const status = await readFile(`/proc/${await serverPid()}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    await killed(child);
    const last = elsewhere("stops", withoutUnshare);
    await once(last, "exit");
    expect(await serverPid()).toBeUndefined();
  }
  const place = await readlink(join(directory, "postgres"));
  const { uid, mode } = await stat(place);
  expect([uid, mode & 0o777]).toEqual([0, 0o710]);
  await rm(place, { recursive: true });
  // A container made anew has the volume with the link, and not what it points to.
  await expect(start()).rejects.toThrow(/which is gone/);
  directory = top;
});

asRoot("leaves the data in the project where nobody can be let in", async () => {
  await chmod(directory, 0o700);
  const child = elsewhere("stays", withoutUnshare);
  const { url } = await said(child);
  await ask(url, "create table kept as select 42 as n");
  expect((await stat(join(directory, "postgres", "data"))).uid).toBe(65534);
  expect((await stat(directory)).mode & 0o777).toBe(0o710);
  await killed(child);

  // With a namespace it is root's again; the server that runs as nobody is stopped first.
  const again = await start({ durable: true });
  expect(again.started).toBe(true);
  expect(await ask(again.url, "select n from kept")).toEqual([42]);
  await again.stop();
});

asRoot("refuses a folder that belongs to another user", async () => {
  await mkdir(join(directory, "postgres"));
  await chown(join(directory, "postgres"), 12345, 12345);
  await expect(start()).rejects.toThrow(/belongs to another user/);
  expect(await readdir(join(directory, "postgres"))).toEqual([]);
  expect(await readdir(directory)).toEqual(["postgres"]);
});

it("says what to do where there is no PostgreSQL for the platform", async () => {
  const { arch } = process;
  Object.defineProperty(process, "arch", { value: "mips" });
  try {
    const attempt = start();
    await expect(attempt).rejects.toThrow(EmbeddedUnavailable);
    await expect(attempt).rejects.toThrow(/Set DATABASE_URL/);
  } finally {
    Object.defineProperty(process, "arch", { value: arch });
  }
  expect(await readdir(join(directory, "postgres"))).toEqual([]);
});
