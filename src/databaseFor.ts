import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "./config";
import { startEmbedded } from "./database/embedded";

/** Ends what was started. */
export type Stop = () => Promise<unknown>;

/** Where the database is; the embedded one is running then, until its stop is called. */
export async function databaseFor(
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
