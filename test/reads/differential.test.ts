import {
  execute,
  type OperationDefinitionNode,
  parse,
  type ExecutionResult,
  validate,
} from "graphql";
import { authenticate, type Caller } from "../../src/context/authenticate";
import { Context } from "../../src/context/context";
import { isWithin, unhurried } from "../../src/database/firstRows";
import { all, raw, sql, TRUE } from "../../src/database/sql";
import { hashOf } from "../../src/identity/tokens";
import { Loaders, type Page, type PageRequest } from "../../src/context/loaders";
import type { Access } from "../../src/context/access";
import type { Subject } from "../../src/policies/ability";
import { rememberCaller } from "../../src/context/rememberedCaller";
import { admit, type AdmittedCaller } from "../../src/reads/admittedCaller";
import { Reads } from "../../src/reads/reads";
import { schema } from "../../src/graphql/schema";
import { db, useDatabase } from "../support/database";
import { BEEN_EVERYWHERE, services } from "../support/factories";
import { fieldsOfQueries, random, randomDocument } from "../support/randomDocuments";
import { aWorld, type World } from "../support/world";

/**
 * Random documents, as callers of every kind: the compiled statement against the resolvers, whose
 * pages are then read whole and each row asked of CASL in JavaScript. The two share the policies
 * and nothing else that could be wrong in the same way.
 */
const SEED = Number(process.env["DIFFERENTIAL_SEED"] ?? 20261124);
const COUNT = Number(process.env["DIFFERENTIAL_COUNT"] ?? 1_000);
const RUNS = 6;
jest.setTimeout(60_000 + COUNT * 200);

let world: World;
const rng = random(SEED);

beforeAll(async () => {
  await useDatabase();
  world = await aWorld(rng);
});

const REQUEST = { id: "req_test", ip: "192.0.2.7", userAgent: "jest" };

/** Pages as the rules say row by row, with nothing left to SQL but the filter. */
async function pageInJavaScript<E extends Subject & { id: string }>(
  access: Access,
  parentId: string,
  { entity, by, size, backward, after, before, newestFirst, filter }: PageRequest<E>,
): Promise<Page<E>> {
  const table = db.table(entity);
  const mine = sql`row.${raw(table.column(by))} = ${parentId}`;
  const { where, above, below, ranges, search } = unhurried(filter);
  const within = ranges ? isWithin(ranges) : TRUE;
  const found = await db.query(sql`select ${table.withVirtual} from ${table.name} row
    where ${all([
      ...[mine, where, within, search?.where ?? TRUE],
      ...(above ? [sql`row.id > ${above}`] : []),
      ...(below ? [sql`row.id < ${below}`] : []),
    ])} order by row.id`);
  const rows = table.instances(found).filter((row) => access.can("read", row));
  if (newestFirst) rows.reverse();
  // The specification's ApplyCursorsToEdges and EdgesToReturn.
  const follows = (one: string, other: string) => (newestFirst ? one < other : one > other);
  const between = rows.filter(
    ({ id }) => (after === null || follows(id, after)) && (before === null || follows(before, id)),
  );
  const areMore = between.length > size;
  return {
    nodes: backward ? between.slice(-size) : between.slice(0, size),
    hasPreviousPage: backward ? areMore : after !== null,
    hasNextPage: backward ? before !== null : areMore,
  };
}

it(`answers ${COUNT} documents as resolvers do, whoever asks (seed ${SEED})`, async () => {
  const reads = new Reads(schema, db, services.social);
  const seen = new Set<string>();
  const tally = { documents: 0, compiled: 0, errors: 0, left: 0, bytes: 0 };
  const byLoaders = Reflect.get(Loaders.prototype, "page") as never;
  const callers = new Map<string, { caller: Caller; known: AdmittedCaller }>();
  const differences: object[] = [];

  while (tally.documents < COUNT) {
    const { text, variables: variants } = randomDocument(rng, world.ids);
    const document = parse(text);
    if (validate(schema, document).length) continue;
    tally.documents++;
    const operation = document.definitions[0] as OperationDefinitionNode;
    let { token, who } = rng.pick(world.callers);
    for (let run = 0; run < RUNS; run++) {
      // Each time as the same caller: by the plan of the time before, where it serves.
      if (run === 3) ({ token, who } = rng.pick(world.callers));
      const variables = variants[run % variants.length]!;
      let one = callers.get(token);
      if (!one) {
        const caller = await authenticate(db, token, REQUEST);
        const { principal, standing, lastUsedAt } = caller;
        const known = (await rememberCaller(db, {
          caller: principal,
          ...{ standing, tokenHash: hashOf(token), lastUsedAt },
        }))!;
        callers.set(
          token,
          (one = {
            caller,
            known: admit(known, { request: REQUEST, services: { entries: BEEN_EVERYWHERE } }),
          }),
        );
      }
      const { principal, standing, user } = one.caller;
      // Once as the server's resolvers read, then by rules asked of each row.
      Loaders.prototype.page = run % 2 ? (pageInJavaScript as never) : byLoaders;
      const contextValue = new Context({
        db,
        services,
        request: REQUEST,
        caller: principal,
        standing,
        user,
      });
      const ordinary: ExecutionResult = await execute({
        schema,
        document,
        contextValue,
        variableValues: variables,
      });
      const answer = await reads
        .read(document, operation, variables, one.known)
        .catch((error: unknown) => ({ data: JSON.stringify({ error: String(error) }) }));
      if (typeof answer === "string") {
        if (ordinary.errors) tally.errors++;
        else tally.left++;
        expect(answer).toBe("left");
        continue;
      }
      tally.compiled++;
      tally.bytes += answer.data.length;
      for (const name of text.matchAll(/\b([a-z]\w+)\b/g)) seen.add(name[1]!);
      const got = JSON.stringify(JSON.parse(answer.data));
      const wanted = JSON.stringify(ordinary.data);
      if (got !== wanted || ordinary.errors) {
        differences.push({ who, text, variables, got, wanted, errors: ordinary.errors });
      }
      if (differences.length > 2) break;
    }
    if (differences.length > 2) break;
  }

  expect(differences).toEqual([]);
  // Nothing is left to resolvers but what they refuse, and what is behind a closed gate.
  expect([...reads.left.keys()].sort()).toEqual(
    [
      "an account that is closed or new to the caller",
      "arguments that don't fit",
      "variables that don't fit",
    ].filter((reason) => reads.left.has(reason)),
  );
  expect(tally.compiled).toBeGreaterThan(COUNT * RUNS * 0.6);
  const missing = [...fieldsOfQueries()].filter((name) => !seen.has(name.split(".")[1]!));
  expect(missing).toEqual([]);
  console.info(tally, Object.fromEntries(reads.left));
});
