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
  /** Gets what stops the database again, before it is started. */
  stops: Stop[];
  log: (message: string) => void;
  /** Gives up starting it. */
  interrupted?: AbortSignal | undefined;
}

/** Where the database is; the embedded one is running then, until its stop is called. */
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

/** Brings the database up to date. @throws CannotStart, Unavailable, MayNotMigrate: what keeps it from that. */
export async function bringUpToDate({ migrateUrl }: Pick<DatabaseUrls, "migrateUrl">) {
  await migrate(migrateUrl).catch((cause: unknown) => {
    if (cause instanceof MayNotMigrate || cause instanceof Unavailable) throw cause;
    const message = `The database can't be migrated: ${sentence(reasonOf(cause))} docs/configuration.md says what that takes.`;
    throw new CannotStart(message, { cause });
  });
}

/** For what must not make a database to look into it. @throws CannotStart where there is none. */
export function assertMade({ databaseUrl, dataDirectory }: Config): void {
  if (databaseUrl || existsSync(join(resolve(dataDirectory), "postgres", "data"))) return;
  throw new CannotStart(
    `There is no database in ${dataDirectory} yet. Run \`npm start\`, which makes it with a demo account, ` +
      "or `npm run gatehouse -- create-administrator`, which makes it with an account of yours, " +
      "or set DATABASE_URL.",
  );
}
