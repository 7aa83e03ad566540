import { hostname, userInfo } from "node:os";
import { typeid } from "typeid-js";
import { Context } from "../context/context";
import { Database } from "../database/database";
import { openDataSource } from "../database/dataSource";
import { Unavailable } from "../errors";
import { operatorNamed } from "../principal";
import { readConfig } from "../setup/config";
import { assertMade, bringUpToDate, openDatabase } from "../setup/openDatabase";
import { openServices } from "../setup/openServices";
import { reasonOf } from "../setup/problems";
import { type Stop, stopAll } from "../setup/stopping";
import type { Terminal } from "./terminal";

/** The operator pressed Ctrl-C, or another process sent a signal to end. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(signal);
  }
}

/**
 * Runs work as the operator, on the database of the configuration.
 *
 * @param make Whether to create the embedded database if there is none.
 */
export function asOperator<T>(
  terminal: Terminal,
  work: (ctx: Context) => Promise<T>,
  { make = false } = {},
): Promise<T> {
  const { env, log, interrupted } = terminal;
  return withStops(terminal, async (stops) => {
    const config = readConfig(env);
    if (!make) assertMade(config);
    const urls = await openDatabase(config, { stops, log, interrupted });
    if (!config.databaseUrl) await bringUpToDate(urls);
    const source = openDataSource({ url: urls.serveUrl, as: "serve", poolSize: 2 });
    const db = new Database(await source.initialize().catch(asUnavailable));
    stops.push(() => db.close());
    // All events of a command have the same request ID.
    const request = { id: typeid("cli").toString(), ip: null, userAgent: null };
    const caller = operatorNamed(userName(), hostname());
    const report = (error: unknown) => log(reasonOf(error));
    return work(new Context({ db, services: await openServices(config), request, caller, report }));
  });
}

/** Runs work that may start services. It stops them when the work ends or is interrupted. */
export async function withStops<T>(
  { interrupted, log }: Terminal,
  work: (stops: Stop[]) => Promise<T>,
): Promise<T> {
  const stops: Stop[] = [];
  const cut = new Promise<never>((_, reject) => {
    const signal = () => interrupted.reason as NodeJS.Signals;
    interrupted.addEventListener("abort", () => reject(new Interrupted(signal())));
  });
  try {
    return await Promise.race([work(stops), cut]);
  } finally {
    await stopAll(stops, (error) => log(reasonOf(error)));
  }
}

function asUnavailable(cause: unknown): never {
  throw new Unavailable(cause);
}

/** The name of the operating system's user. In a container, a user may have none. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
