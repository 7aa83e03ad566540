import "reflect-metadata";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { type EmbeddedServer, startEmbedded } from "../../src/database/embedded/embedded";
import { migrate } from "../../src/database/migrate";

declare global {
  var testServer: EmbeddedServer | undefined;
  var testDirectory: string | undefined;
}

export const TEMPLATE = `gatehouse_test_${process.pid}`;

/**
 * One real PostgreSQL for the whole run: the one TEST_DATABASE_URL names, or an embedded one.
 * It is migrated once, into a template that every test file's database is copied from.
 */
export default async function globalSetup(): Promise<void> {
  let admin = process.env["TEST_DATABASE_URL"];
  if (!admin) {
    const directory = mkdtempSync(join(tmpdir(), "gatehouse-test-"));
    globalThis.testDirectory = directory;
    globalThis.testServer = await startEmbedded({ directory, durable: false, maxConnections: 200 });
    admin = globalThis.testServer.url;
  }
  const client = new Client({ connectionString: admin });
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  await client.end();
  await migrate(withDatabase(admin, TEMPLATE));
  process.env["GATEHOUSE_TEST_ADMIN"] = admin;
  process.env["GATEHOUSE_TEST_TEMPLATE"] = TEMPLATE;
}

/** The same server, another of its databases. */
export function withDatabase(url: string, database: string): string {
  const [, before, query = ""] = /^(postgres(?:ql)?:\/\/[^/]*)\/[^?]*(\?.*)?$/.exec(url)!;
  return `${before}/${database}${query}`;
}
