import { once } from "node:events";
import { createServer as createSocket } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { CannotStart, type Config, readConfig } from "./setup/config";
import { Database } from "./database/database";
import { openDataSource } from "./database/dataSource";
import { sql } from "./database/sql";
import { Unavailable } from "./errors";
import { bringUpToDate, openDatabase } from "./setup/openDatabase";
import { type Demo, keepDemo } from "./setup/demo";
import { startJobs, tasks } from "./setup/jobs";
import { folderMailer, smtpMailer } from "./mails/mailer";
import { createServer } from "./http/server";
import { createLogger } from "./setup/logger";
import { openServices } from "./setup/openServices";
import { interruption, type Stop, stopAll } from "./setup/stopping";

const say = (message: string) => void process.stdout.write(`${message}\n`);

/** How long requests in flight, and mails, may take to finish once the server was told to stop. */
const DRAIN_MS = 10_000;

/** Sets up what the configuration asks for, serves, and stops cleanly when told to, at any moment. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(env);
  const logger = createLogger(config.logLevel);
  for (const warning of config.warnings) logger.warn(warning);

  const interrupted = interruption();
  const stops: Stop[] = [];
  // Apart, since it is stopped however long the others take: it would outlive this process.
  const databaseStops: Stop[] = [];
  let databaseStopped: Promise<void> | undefined;
  const report = (error: unknown) => logger.error({ err: error }, "stopping failed");
  const stopDatabase = () => (databaseStopped ??= stopAll(databaseStops, report));
  const stop = () => stopAll(stops, report).then(stopDatabase);
  interrupted.addEventListener("abort", () => {
    logger.info({ signal: interrupted.reason as string }, "stopping");
    void sleep(DRAIN_MS, undefined, { ref: false })
      .then(stopDatabase)
      .then(() => process.exit(1));
  });

  try {
    await serve({ config, logger, interrupted, stops, databaseStops });
  } catch (error) {
    await stop();
    if (!interrupted.aborted) throw error;
    process.exit(0);
  }
  const exit = () => void stop().then(() => process.exit(0));
  if (interrupted.aborted) exit();
  else interrupted.addEventListener("abort", exit);
}

interface Setup {
  config: Config;
  logger: Logger;
  /** Ends setting up after the step that is going on, so that no step is left half-done. */
  interrupted: AbortSignal;
  /** Gets what stops each thing that was started. */
  stops: Stop[];
  databaseStops: Stop[];
}

async function serve({ config, logger, interrupted, stops, databaseStops }: Setup): Promise<void> {
  await assertFree(config);
  const urls = await openDatabase(config, { stops: databaseStops, log: say, interrupted });
  interrupted.throwIfAborted();
  await bringUpToDate(urls);
  interrupted.throwIfAborted();

  const { serveUrl } = urls;
  const source = openDataSource({ url: serveUrl, as: "serve", poolSize: config.poolSize });
  const db = new Database(await source.initialize().catch(asUnavailable));
  stops.push(() => db.close());
  const services = await openServices(config);
  const demo = config.demo ? await keepDemo(db, services, config) : null;
  const [someone] = await db.query(sql`select from users limit 1`);
  interrupted.throwIfAborted();

  const mailer = config.smtpUrl
    ? smtpMailer(config.smtpUrl, config.mailFrom)
    : folderMailer(join(resolve(config.dataDirectory), "mail"), config.mailFrom, say);
  stops.push(async () => mailer.close());
  stops.push(await startJobs(serveUrl, tasks(db, mailer, config), logger));
  const app = await createServer({ db, config, services, logger, demoKey: demo?.apiKey });
  stops.push(() => app.close());
  interrupted.throwIfAborted();
  await listen(app, config);
  const { port } = app.server.address() as { port: number };
  const url = config.port === port ? config.publicUrl : `http://localhost:${port}`;
  // In production all that is printed is the log, a JSON text for each line.
  if (!config.production) return say(welcome(config, { url, demo, empty: !someone }));
  logger.info({ url, host: config.host, port }, "Gatehouse listens");
  if (!someone) logger.warn(NO_USERS);
}

function asUnavailable(cause: unknown): never {
  throw new Unavailable(cause);
}

const NO_USERS =
  "The database has no users yet. Create the first, with an account of theirs: " +
  "npm run gatehouse -- create-administrator --email EMAIL --name NAME --account NAME";

function welcome(
  { dataDirectory, explorer }: Config,
  { url, demo, empty }: { url: string; demo: Demo | null; empty: boolean },
): string {
  const lines = [
    `Gatehouse listens. GraphQL${explorer ? " and its explorer" : ""}: ${url}/graphql`,
  ];
  if (demo) {
    lines.push(
      "",
      `  Demo sign-in         ${demo.email}  ${demo.password}`,
      `  Administrator's key  ${demo.apiKey}`,
      `  Developer's key      ${demo.developerApiKey}`,
      "",
      `  (also in ${dataDirectory}/demo.json)`,
    );
  }
  if (empty) {
    lines.push("", NO_USERS.replace(": ", ":\n\n  "));
    lines.push("", "or start with GATEHOUSE_DEMO=true, for a demo account.");
  }
  return lines.join("\n");
}

/** Finds out whether the address can be listened on, before a database is made. @throws CannotStart. */
async function assertFree({ host, port }: Config): Promise<void> {
  const socket = createSocket();
  const listening = once(socket, "listening");
  socket.listen({ host, port });
  await listening.catch((error: unknown) => cannotListen(error, { host, port }));
  socket.close();
  await once(socket, "close");
}

async function listen(app: FastifyInstance, { port, host }: Config): Promise<void> {
  await app.listen({ port, host }).catch((error: unknown) => cannotListen(error, { host, port }));
}

function cannotListen(error: unknown, { host, port }: Pick<Config, "host" | "port">): never {
  const { code = "" } = error as NodeJS.ErrnoException;
  const messages: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken. Stop what listens there, or set PORT to another.`,
    EACCES: `PORT: this user may not listen on port ${port}. Take one above 1023, or give the user that right.`,
    ENOTFOUND: `HOST: can't listen on "${host}": no such name.`,
    EADDRNOTAVAIL: `HOST: can't listen on "${host}": this machine has no such address.`,
  };
  const message = messages[code];
  throw message ? new CannotStart(message, { cause: error }) : error;
}
