import { rmSync } from "node:fs";
import { Client } from "pg";
import { TEMPLATE } from "./globalSetup";

export default async function globalTeardown(): Promise<void> {
  if (globalThis.testServer) {
    await globalThis.testServer.stop();
    rmSync(globalThis.testDirectory!, { recursive: true, force: true });
    return;
  }
  const client = new Client({ connectionString: process.env["GATEHOUSE_TEST_ADMIN"] });
  await client.connect();
  await client.query(`drop database if exists ${TEMPLATE} with (force)`);
  await client.end();
}
