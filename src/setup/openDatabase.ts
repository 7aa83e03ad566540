import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CannotStart, type Config } from "./config";
import { startEmbedded } from "../database/embedded/embedded";

/** Ends what was started. */
export type Stop = () => Promise<unknown>;

/** Where the database is; the embedded one is running then, until its stop is called. */
export async function openDatabase(
  config: Config,
  stops: Stop[],
  log: (message: string) => void,
): Promise<{ serveUrl: string; migrateUrl: string }> {
  if (config.databaseUrl) {
    return { serveUrl: config.databaseUrl, migrateUrl: config.migrationUrl! };
  }
  const directory = resolve(config.dataDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const server = await startEmbedded({ directory, durable: true, log });
  stops.push(() => server.stop());
  return { serveUrl: server.url, migrateUrl: server.url };
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
