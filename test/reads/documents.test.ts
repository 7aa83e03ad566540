import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Kind, type OperationDefinitionNode, parse, validate } from "graphql";
import { authenticate } from "../../src/context/authenticate";
import { hashOf } from "../../src/identity/tokens";
import { rememberCaller } from "../../src/context/rememberedCaller";
import { admit, type AdmittedCaller } from "../../src/reads/admittedCaller";
import { Reads } from "../../src/reads/reads";
import { EXAMPLE_QUERY } from "../../src/graphql/explorer";
import { schema } from "../../src/graphql/schema";
import { db, sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, aMember, anAccount, BEEN_EVERYWHERE } from "../support/factories";

let caller: AdmittedCaller;

beforeAll(async () => {
  await useDatabase();
  const { secret } = await aCredential(await aMember(await anAccount()));
  const request = { id: "req_test", ip: null, userAgent: null };
  const { principal, standing } = await authenticate(db, secret, request);
  const known = (await rememberCaller(db, {
    caller: principal,
    ...{ standing, tokenHash: hashOf(secret), lastUsedAt: null },
  }))!;
  caller = admit(known, { request, services: { entries: BEEN_EVERYWHERE } });
});

const readme = readFileSync(join(__dirname, "../../README.md"), "utf8");
const shown = [...readme.matchAll(/^\{ "query": .*\}$|'(\{"query": ".*?"\})'/gm)]
  .map(([whole, quoted]) => (JSON.parse(quoted ?? whole) as { query: string }).query)
  .filter((query) => !query.startsWith("mutation"));

it("finds the documents that people are shown", () => expect(shown.length).toBeGreaterThan(1));

it.each([EXAMPLE_QUERY, ...shown])("compiles what people are shown: %s", async (text) => {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = document.definitions[0] as OperationDefinitionNode;
  const reads = new Reads(schema, db);
  const answer = await reads.read(document, operation, {}, caller);
  expect([answer, [...reads.left]]).toEqual([
    { data: expect.any(String) as string, warnings: [] },
    [],
  ]);
});

it("leaves what it can't compile to resolvers, and says why", async () => {
  const reads = new Reads(schema, db);
  const text = "{ __schema { queryType { name } } }";
  const document = parse(text);
  const operation = document.definitions.find(
    (node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION,
  )!;
  expect(await reads.read(document, operation, {}, caller)).toBe("left");
  expect([...reads.left]).toEqual([["__schema is for the executor", 1]]);
});

it("has a plan for each way that conditions turn out", async () => {
  const reads = new Reads(schema, db);
  const document = parse(
    "query ($s: Boolean!) { viewer { surface can @skip(if: $s) { createAccount } } }",
  );
  const operation = document.definitions[0] as OperationDefinitionNode;
  for (const s of [true, false]) {
    const answer = await reads.read(document, operation, { s }, caller);
    expect(answer).toEqual({
      data: expect.stringContaining(s ? '"API"}}' : "createAccount") as string,
      warnings: [],
    });
  }
});

it("leaves what the database objects to to resolvers, and tells the operator once", async () => {
  const report = jest.fn();
  const reads = new Reads(schema, db);
  const document = parse("{ viewer { sessions { nodes { id } } } }");
  const operation = document.definitions[0] as OperationDefinitionNode;
  await sqlAsOwner("alter table sessions rename to sessions_away");
  try {
    for (let i = 0; i < 3; i++) {
      expect(await reads.read(document, operation, {}, caller, report)).toBe("left");
    }
  } finally {
    await sqlAsOwner("alter table sessions_away rename to sessions");
  }
  expect(report.mock.calls).toEqual([[expect.objectContaining({ code: "42P01" })]]);
  expect([...reads.left]).toEqual([["SQL error 42P01", 3]]);
});

it("remembers callers of at most 20,000 accounts, each counted once more, and those in use", () => {
  const reads = new Reads(schema, db);
  const hash = (i: number) => hashOf(String(i));
  for (let i = 0; i <= 10_000; i++) {
    reads.remember({ ...caller.remembered, tokenHash: hash(i) });
    expect(reads.recall(hash(0))).toBeDefined();
  }
  expect(reads.recall(hash(1))).toBeUndefined();
  expect(reads.recall(hash(2))).toBeDefined();
});
