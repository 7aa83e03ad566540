import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { Database } from "../../src/database/database";
import { openDataSource } from "../../src/database/dataSource";
import { withDatabase } from "./globalSetup";

const admin = process.env["GATEHOUSE_TEST_ADMIN"]!;
const name = `gatehouse_test_${process.pid}_${randomBytes(4).toString("hex")}`;

/** This test file's own database, copied from the migrated template. */
export const url = withDatabase(admin, name);

/** The database as the server uses it: by the role that serves requests. */
export let db: Database;
/** Every statement since the last `statements.length = 0`. */
export const statements: string[] = [];
/** The same, those that were sent together in one. */
export const flights: string[][] = [];

const owner = new Client({ connectionString: url });

/** Looks and prepares behind the application's back, as the owner of the tables. */
export async function sqlAsOwner<R = Record<string, unknown>>(
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  return (await owner.query(text, values)).rows as R[];
}

async function onServer(text: string): Promise<void> {
  const client = new Client({ connectionString: admin });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/** For `beforeAll` at the top of a test file; undone by itself. */
export async function useDatabase(): Promise<void> {
  const template = process.env["GATEHOUSE_TEST_TEMPLATE"]!;
  // Copies of files: their pages need not go through the log one by one.
  await onServer(`create database ${name} template ${template} strategy file_copy`);
  await owner.connect();
  db = new Database(await openDataSource({ url, as: "serve", poolSize: 20 }).initialize());
  db.observe = (text, place) => {
    statements.push(text);
    if (place === 0) flights.push([]);
    flights.at(-1)!.push(text);
  };
}

const working = new Set<Promise<unknown>>();
/** For contexts of tests: what goes on behind an answer is done before the database goes away. */
export function inBackground(work: Promise<unknown>): void {
  const done = work.finally(() => working.delete(done));
  working.add(done);
}

/** Until what goes on behind answers is done. */
export const settled = (): Promise<unknown> => Promise.all(working);

afterAll(async () => {
  await settled();
  await db?.close();
  await owner.end();
  await onServer(`drop database if exists ${name} with (force)`);
});
