import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CannotStart, type Config } from "./config";
import { startEmbedded } from "../database/embedded/embedded";
import { migrate, MayNotMigrate } from "../database/migrate";
import { Unavailable } from "../errors";
import { reasonOf, sentence } from "./problems";
import type { Stop } from "./stopping";

export interface DatabaseUrls {
  serveUrl: string;
  migrateUrl: string;
}

interface Options {
  /** Gets the function that stops the database, before the database starts. */
  stops: Stop[];
  log: (message: string) => void;
  /** Aborts the start. */
  interrupted?: AbortSignal | undefined;
}

/** The URLs of the database. An embedded one is started, and runs until its stop is called. */
export async function openDatabase(
  config: Config,
  { stops, log, interrupted: signal }: Options,
): Promise<DatabaseUrls> {
  if (config.databaseUrl) {
    return { serveUrl: config.databaseUrl, migrateUrl: config.migrationUrl! };
  }
  const directory = resolve(config.dataDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const starting = startEmbedded({ directory, durable: true, log, signal });
  stops.push(() =>
    starting.then(
      (server) => server.stop(),
      () => undefined,
    ),
  );
  const { url } = await starting;
  return { serveUrl: url, migrateUrl: url };
}

/** Migrates the database. @throws CannotStart, Unavailable, MayNotMigrate. */
export async function bringUpToDate({ migrateUrl }: Pick<DatabaseUrls, "migrateUrl">) {
  await migrate(migrateUrl).catch((cause: unknown) => {
    if (cause instanceof MayNotMigrate || cause instanceof Unavailable) throw cause;
    const message = `The database can't be migrated: ${sentence(reasonOf(cause))} docs/configuration.md says what is needed.`;
    throw new CannotStart(message, { cause });
  });
}

/** For commands that must not create the embedded database. @throws CannotStart where there is none. */
export function assertMade({ databaseUrl, dataDirectory }: Config): void {
  if (databaseUrl || existsSync(join(resolve(dataDirectory), "postgres", "data"))) return;
  throw new CannotStart(
    `There is no database in ${dataDirectory} yet. Run \`npm start\`, which creates it with a demo account, ` +
      "or `npm run gatehouse -- create-administrator`, which creates it with your own account, " +
      "or set DATABASE_URL.",
  );
}
