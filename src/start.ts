import { join, resolve } from "node:path";
import type { FastifyInstance } from "fastify";
import { CannotStart, type Config, readConfig } from "./setup/config";
import { Database } from "./database/database";
import { openDataSource } from "./database/dataSource";
import { migrate } from "./database/migrate";
import { openDatabase, type Stop } from "./setup/openDatabase";
import { type Demo, keepDemo } from "./setup/demo";
import { startJobs, tasks } from "./setup/jobs";
import { folderMailer, smtpMailer } from "./mails/mailer";
import { createServer } from "./http/server";
import { createLogger } from "./setup/logger";
import { openServices } from "./setup/openServices";

const say = (message: string) => void process.stdout.write(`${message}\n`);

/** How long a request in flight may take to finish once the server was told to stop. */
const DRAIN_MS = 10_000;

/** Sets up whatever the configuration asks for, serves, and stops cleanly when told to. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(env);
  const logger = createLogger(config.logLevel);
  for (const warning of config.warnings) logger.warn(warning);
  const stops: Stop[] = [];
  const stop = async () => {
    for (const one of stops.reverse()) await one().catch((error) => logger.error({ err: error }));
  };
  try {
    const { serveUrl, migrateUrl } = await openDatabase(config, stops, say);
    await migrate(migrateUrl);
    const { poolSize } = config;
    const source = await openDataSource({ url: serveUrl, as: "serve", poolSize }).initialize();
    const db = new Database(source);
    stops.push(() => db.close());
    const services = await openServices(config);
    const demo = config.demo ? await keepDemo(db, services, config) : null;
    const mailer = config.smtpUrl
      ? smtpMailer(config.smtpUrl, config.mailFrom)
      : folderMailer(join(resolve(config.dataDirectory), "mail"), config.mailFrom, say);
    stops.push(async () => mailer.close());
    stops.push(await startJobs(serveUrl, tasks(db, mailer, config), logger));
    const app = await createServer({ db, config, services, logger, demoKey: demo?.apiKey });
    stops.push(() => app.close());
    await listen(app, config);
    const { port } = app.server.address() as { port: number };
    process.stdout.write(welcome(config, port, demo));
  } catch (error) {
    await stop();
    throw withAdvice(error);
  }

  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, "stopping");
      setTimeout(() => process.exit(1), DRAIN_MS).unref();
      void stop().then(() => process.exit(0));
    });
  }
}

function welcome(
  { publicUrl, port: wanted, dataDirectory, explorer }: Config,
  port: number,
  demo: Demo | null,
): string {
  const url = wanted === port ? publicUrl : `http://localhost:${port}`;
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
  return `${lines.join("\n")}\n`;
}

/** Why an address can't be listened on, where the settings are to blame. */
const UNHEARD: Record<string, string> = {
  ENOTFOUND: "no such name.",
  EADDRNOTAVAIL: "this machine has no such address.",
};

async function listen(app: FastifyInstance, { port, host }: Config): Promise<void> {
  try {
    await app.listen({ port, host });
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      const message = `Port ${port} on ${host} is taken. Stop what listens there, or set PORT to another.`;
      throw new CannotStart(message, { cause: error });
    }
    const why = UNHEARD[code];
    if (!why) throw error;
    throw new CannotStart(`HOST: can't listen on "${host}": ${why}`, { cause: error });
  }
}

/** Adds what to do about it, where we know. */
function withAdvice(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "28P01" || code === "3D000") {
    const message = `The database that DATABASE_URL names can't be used: ${(error as Error).message || code}`;
    return new CannotStart(message, { cause: error });
  }
  return error;
}
