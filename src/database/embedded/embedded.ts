import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import {
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findBinaries } from "./binaries";
import {
  giveToServer,
  makePrivate,
  makePrivateElsewhere,
  reachable,
  serverUser,
  type ServerUser,
} from "./serverUser";
import { exclusively, inUse, register } from "./sharing";

export interface EmbeddedServer {
  /** What pg takes as `connectionString`: the database `postgres`, as superuser. */
  url: string;
  /** False where the server was running already and this process adopted it. */
  started: boolean;
  /** The same for another database of this server. */
  urlOf: (database: string) => string;
  /** Shuts the server down, unless another living process still uses it. May be called twice. */
  stop: () => Promise<void>;
}

export interface EmbeddedOptions {
  /** The data goes into its `postgres`, the log into its `postgres.log`. */
  directory: string;
  /** False makes it fast, and a power cut ruin it: for tests. */
  durable: boolean;
  maxConnections?: number;
  log?: (message: string) => void;
  /** Gives up: what was begun is ended before `startEmbedded` rejects. */
  signal?: AbortSignal | undefined;
}

/** This machine has no PostgreSQL of ours; the message says what to do instead. */
export class EmbeddedUnavailable extends Error {
  constructor(reason: string) {
    super(`${reason} Set DATABASE_URL to a PostgreSQL 15 or later instead.`);
    this.name = "EmbeddedUnavailable";
  }
}

/** How long to try again: after a kill -9 the server's children hold its memory for a while. */
const PATIENCE = 15_000;
const LOG_LIMIT = 1_000_000;
/** macOS has the smallest sun_path, and it ends with a NUL. */
const SOCKET_PATH_LIMIT = 103;

/**
 * Starts the PostgreSQL that comes with `npm install`, or adopts the one that runs on `directory`
 * already: another process's, or one that outlived a killed process.
 *
 * Who may connect: the socket lies in a folder that only the server's user can enter, who could
 * read the data's files anyway, and root; so the socket asks for no password. Windows has no such
 * sockets in Node: there it is a random port of the loopback, and a random password.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { log = () => undefined, signal } = options;
  await mkdir(options.directory, { recursive: true });
  const home = await realpath(options.directory);
  const lock = join(home, "postgres.lock");

  const begin = async () => {
    const user = serverUser();
    const place = await findPlace(home, user, log);
    const data = join(place, "data");
    const users = join(place, "users");
    const native = await findBinaries(place, user);
    if (native === null)
      throw new EmbeddedUnavailable(
        `No embedded PostgreSQL is installed for ${process.platform}-${process.arch}.`,
      );
    const socket = process.platform === "win32" ? undefined : await findSocket(place, user);
    const password = socket === undefined ? await findPassword(place) : undefined;
    const server = new Server(native, data, socket, join(home, "postgres.log"), user, options);

    let running = await server.running();
    if (running && !(await inUse(users)) && !(await server.runsAsWanted(running))) {
      await server.shutDown();
      running = undefined;
    }
    const started = !running;
    if (running) log(`Uses the PostgreSQL that is running in ${data}.`);
    else {
      await server.probe();
      if (!existsSync(data)) {
        log(`Creates a PostgreSQL database in ${data}.`);
        await server.initialise(password && join(place, "password"));
      } else if ((await stat(data)).uid !== user.uid) await giveToServer(data, user);
      running = await server.launch();
    }
    const unregister = await register(users);

    const { socketDirectory, port } = running;
    const urlOf = (database: string) =>
      password === undefined
        ? `postgres://postgres@/${encodeURIComponent(database)}?host=${encodeURIComponent(socketDirectory)}&port=${port}&sslmode=disable`
        : `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}?sslmode=disable`;
    let stopped: Promise<void> | undefined;
    const stop = () =>
      exclusively(lock, async () => {
        await unregister();
        if (!(await inUse(users))) await server.shutDown();
      });
    return { url: urlOf("postgres"), started, urlOf, stop: () => (stopped ??= stop()) };
  };
  return exclusively(lock, begin, signal);
}

/** The folder for all that the server needs; a symlink where it can't reach the usual one. */
async function findPlace(home: string, user: ServerUser, log: (message: string) => void) {
  const usual = join(home, "postgres");
  const found = await lstat(usual).catch(() => undefined);
  if (!found?.isSymbolicLink()) {
    if (await canReach(home, user)) return makePrivate(usual, user);
    if (found)
      throw new Error(
        `PostgreSQL has to run as uid ${user.uid} here, which can't reach ${usual}. ` +
          "Let it pass the folders above (chmod o+x), or set DATABASE_URL.",
      );
  }
  const place = await makePrivateElsewhere(usual, ["/var/lib", "/var/tmp"], user);
  log(`PostgreSQL can't reach ${home} from root: its data is in ${place}, where ${usual} points.`);
  return place;
}

/** Lets the server pass where only `home` itself keeps it out; the folders above aren't ours to open. */
async function canReach(home: string, user: ServerUser): Promise<boolean> {
  if (await reachable(home, user)) return true;
  const { uid, mode } = await stat(home);
  const closed = uid === process.geteuid?.() && (mode & 0o077) === 0;
  if (closed && (await reachable(dirname(home), user))) await makePrivate(home, user);
  return reachable(home, user);
}

async function findSocket(place: string, user: ServerUser): Promise<string> {
  const fits = Buffer.byteLength(join(place, "socket", ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT;
  const link = join(place, "short");
  const elsewhere = () => makePrivateElsewhere(link, ["/tmp", tmpdir()], user);
  // A temporary folder may have been swept away since, or another user may have taken its name.
  const again = () => rm(link, { force: true }).then(elsewhere);
  const parent = fits ? place : await elsewhere().catch(again);
  const socket = join(parent, "socket");
  await mkdir(socket, { recursive: true, mode: 0o700 });
  await giveToServer(socket, user);
  return socket;
}

async function findPassword(place: string): Promise<string> {
  const file = join(place, "password");
  const fresh = randomBytes(24).toString("hex");
  await writeFile(file, fresh, { flag: "wx", mode: 0o600 }).catch(() => undefined);
  return readFile(file, "utf8");
}

interface Postmaster {
  pid: number;
  port: string;
  socketDirectory: string;
  status: string;
}

class Server {
  constructor(
    private readonly native: string,
    private readonly data: string,
    /** The folder of its socket; undefined makes it listen on the loopback instead. */
    private readonly socket: string | undefined,
    private readonly logFile: string,
    private readonly user: ServerUser,
    private readonly options: EmbeddedOptions,
  ) {}

  /** Whether the binaries run at all: they want glibc, and a file system that allows programs. */
  async probe(): Promise<void> {
    await this.run("postgres", ["--version"], this.options.signal).catch((error: Error) => {
      throw new EmbeddedUnavailable(`The embedded PostgreSQL can't run here (${error.message}).`);
    });
  }

  /**
   * Makes the data folder under another name and renames it when whole, so that a folder called
   * `data` is never half-made.
   */
  async initialise(passwordFile: string | undefined): Promise<void> {
    const place = join(this.data, "..");
    // The initdb of a process that was killed may still be writing: it ends when it finds no folder.
    const thoroughly = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
    for (const name of await readdir(place))
      if (name.startsWith("data-new-")) await rm(join(place, name), thoroughly);
    const draft = await mkdtemp(join(place, "data-new-"));
    await giveToServer(draft, this.user);
    // The builtin C.UTF-8 sorts by code point and knows Unicode's upper and lower case, the same
    // on every machine: no index depends on the C library's version.
    const args = ["-D", draft, "-U", "postgres", "-E", "UTF8", "--locale=C"];
    args.push("--locale-provider=builtin", "--builtin-locale=C.UTF-8");
    args.push("--auth-host=scram-sha-256");
    if (passwordFile === undefined) args.push("--auth-local=trust");
    else args.push("--auth-local=scram-sha-256", `--pwfile=${passwordFile}`);
    if (!this.options.durable) args.push("--no-sync");
    await this.run("initdb", args, this.options.signal);
    await rename(draft, this.data);
  }

  /** The server on our data, once it is ready; undefined where there is none. */
  async running(): Promise<Postmaster | undefined> {
    for (;;) {
      const found = await this.postmaster();
      if (!found || !this.isPostmaster(found.pid)) return undefined;
      if (found.status === "ready") return found;
      this.options.signal?.throwIfAborted();
      await sleep(20);
    }
  }

  /** Whether what runs was started as we would now, and its socket is still there. */
  async runsAsWanted({ port }: Postmaster): Promise<boolean> {
    const started = await readFile(join(this.data, "postmaster.opts"), "utf8").catch(() => "");
    const wanted = [...this.settings(), "-p"].map((arg) => `"${arg}"`);
    return (
      started.startsWith([this.program("postgres"), ...wanted].join(" ")) &&
      (this.socket === undefined || existsSync(join(this.socket, `.s.PGSQL.${port}`)))
    );
  }

  /** Starts the server and waits until it takes connections. */
  async launch(): Promise<Postmaster> {
    const log = await open(this.logFile, "a", 0o600);
    try {
      if ((await log.stat()).size > LOG_LIMIT) await log.truncate();
      const until = Date.now() + PATIENCE;
      for (let pause = 50; ; pause = Math.min(pause * 2, 1_000)) {
        this.options.signal?.throwIfAborted();
        const { size: before } = await log.stat();
        const ready = (await this.attempt(log.fd)) ?? (await this.running());
        if (ready) return ready;
        if (Date.now() > until) {
          const said = (await readFile(this.logFile)).subarray(before).toString().trim();
          const end = said.split("\n").slice(-15).join("\n");
          throw new Error(`PostgreSQL did not start. The end of ${this.logFile}:\n${end}`);
        }
        await sleep(pause);
      }
    } finally {
      await log.close();
    }
  }

  private async attempt(log: number): Promise<Postmaster | undefined> {
    const port = this.socket === undefined ? await freePort() : 5432;
    // PostgreSQL takes a living pid in postmaster.pid for a server, also where another process has that pid now,
    // except for this one: pg_ctl's own. Safer than to delete the file, which another may renew.
    const found = await this.postmaster();
    const stale = found && !this.isPostmaster(found.pid) ? found.pid : 0;
    const child = this.spawn("postgres", [...this.settings(), "-p", String(port)], {
      env: { ...this.environment(), PG_GRANDPARENT_PID: String(stale) },
      // Its own process group: Ctrl-C is for us, who stop it once we have finished with it.
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.unref();
    let failure: Error | undefined;
    child.on("error", (error) => (failure = error));
    while (child.exitCode === null && child.signalCode === null) {
      if (failure) throw failure;
      const now = await this.postmaster();
      if (now?.pid === child.pid && now?.status === "ready") return now;
      if (this.options.signal?.aborted) child.kill("SIGINT");
      await sleep(10);
    }
    return undefined;
  }

  /** A fast shutdown; less and less polite where that doesn't end it. */
  async shutDown(): Promise<void> {
    const found = await this.postmaster();
    if (!found) return;
    if (process.platform === "win32")
      return this.run("pg_ctl", ["stop", "-D", this.data, "-m", "fast"]);
    for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
      if (!this.isPostmaster(found.pid)) return;
      process.kill(found.pid, signal);
      for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(10))
        if (!this.isPostmaster(found.pid)) return;
    }
    throw new Error(`PostgreSQL (pid ${found.pid}) could not be stopped.`);
  }

  /** Everything but the port, which on Windows differs from start to start. */
  private settings(): string[] {
    const { socket } = this;
    const settings: Record<string, string | number> = {
      listen_addresses: socket === undefined ? "127.0.0.1" : "",
      // A list, whose items may be quoted: a comma in a path is no separator then.
      unix_socket_directories: socket === undefined ? "" : `"${socket.replaceAll('"', '""')}"`,
      unix_socket_permissions: "0700",
      max_connections: this.options.maxConnections ?? 100,
      // The client is told of its errors; written down they would fill the log, with people's data.
      log_min_messages: "log",
      log_min_error_statement: "panic",
      log_error_verbosity: "terse",
      log_checkpoints: "off",
    };
    if (!this.options.durable)
      Object.assign(settings, { fsync: "off", full_page_writes: "off", synchronous_commit: "off" });
    return ["-D", this.data, ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])];
  }

  /** postmaster.pid, in which a server says of itself one thing a line (PostgreSQL's pidfile.h). */
  private async postmaster(): Promise<Postmaster | undefined> {
    const text = await readFile(join(this.data, "postmaster.pid"), "utf8").catch(() => "");
    const [pid, , , port = "", socketDirectory = "", , , status = ""] = text.split("\n");
    return Number(pid) > 0
      ? { pid: Number(pid), port, socketDirectory, status: status.trim() }
      : undefined;
  }

  /** Whether the process is a server on our data, rather than a process that got its pid later. */
  private isPostmaster(pid: number): boolean {
    try {
      // Throws where there is none, or it is another user's.
      process.kill(pid, 0);
      if (process.platform === "win32") return true;
      if (process.platform !== "linux")
        return spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)])
          .stdout.toString()
          .includes(this.data);
      // A server stays in its data folder, whatever the folder has been renamed to since.
      const [itsFolder, folder] = [statSync(`/proc/${pid}/cwd`), statSync(this.data)];
      return itsFolder.ino === folder.ino && itsFolder.dev === folder.dev;
    } catch {
      return false;
    }
  }

  private async run(name: string, args: string[], signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    // Its own process group: Ctrl-C is for us, who end it.
    const child = this.spawn(name, args, { stdio: ["ignore", "ignore", "pipe"], detached: true });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const end = () => void child.kill("SIGTERM");
    signal?.addEventListener("abort", end);
    // Once it and all that it has started are gone: they share its standard error.
    const code = await new Promise<number | null>((done, failed) =>
      child.on("close", done).on("error", failed),
    );
    signal?.removeEventListener("abort", end);
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`${name} ended with ${code ?? "a signal"}: ${said.trim()}`);
  }

  private spawn(name: string, args: string[], options: SpawnOptions): ChildProcess {
    const [command = "", ...rest] = [...this.user.wrapper, this.program(name), ...args];
    const { become } = this.user;
    const common = { ...become, env: this.environment(), cwd: this.native, windowsHide: true };
    return spawn(command, rest, { ...common, ...options });
  }

  private program(name: string): string {
    return join(this.native, "bin", name);
  }

  /** Nothing of ours: our environment holds secrets. */
  private environment(): NodeJS.ProcessEnv {
    if (process.platform === "win32") return process.env;
    return { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
