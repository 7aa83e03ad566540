import { sqlAsOwner, useDatabase } from "../support/database";
import { aCredential, ADMINISTRATOR, aMember, anAccount, READER } from "../support/factories";
import { serveBothWays, type Served } from "../support/http";

/** The GraphQL Cursor Connections Specification, by every way to ask for a part of a short list. */

const COUNT = 5;
let servers: Record<string, Served>;
let token: string;
let account: string;
/** Oldest first. */
let ids: string[];
/** Of the last two members: two and three. */
let credentials: [string[], string[]];

beforeAll(async () => {
  await useDatabase();
  servers = await serveBothWays();
  const one = await anAccount();
  account = one.id;
  const admin = await aMember(one, ADMINISTRATOR);
  token = (await aCredential(admin)).secret;
  ids = [admin.id];
  while (ids.length < COUNT - 2) ids.push((await aMember(one, READER)).id);
  credentials = [[], []];
  for (const made of credentials) {
    const member = await aMember(one, READER);
    ids.push(member.id);
    while (made.length < (made === credentials[0] ? 2 : 3)) {
      made.push((await aCredential(member)).credential.id);
    }
  }
  await aMember(one, READER, { removedAt: new Date() });
});

interface Range {
  first: number | null;
  last: number | null;
  after: string | null;
  before: string | null;
}

/**
 * ApplyCursorsToEdges, EdgesToReturn, HasPreviousPage and HasNextPage, of a list of ids. Nothing is
 * between cursors in the wrong order, as in graphql-relay-js; the specification leaves `before` out then.
 */
function pageOf(list: readonly string[], { first, last, after, before }: Range) {
  let edges = [...list];
  if (after !== null) edges = edges.slice(edges.indexOf(after) + 1);
  if (before !== null) edges = edges.slice(0, Math.max(edges.indexOf(before), 0));
  const size = last ?? first ?? 50;
  const shown = last === null ? edges.slice(0, size) : edges.slice(-size);
  return {
    nodes: shown.map((id) => ({ id })),
    edges: shown.map((id) => ({ cursor: id, node: { id } })),
    pageInfo: {
      hasPreviousPage: last === null ? after !== null : edges.length > size,
      hasNextPage: last === null ? edges.length > size : before !== null,
      startCursor: shown[0] ?? null,
      endCursor: shown.at(-1) ?? null,
    },
  };
}

const PARTS = [
  "nodes { id } edges { cursor node { id } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor }",
  "nodes { id } pageInfo { startCursor endCursor }",
  "pageInfo { hasPreviousPage }",
  "pageInfo { hasNextPage }",
  "edges { cursor }",
];
const documentOf = (order: string, parts: string) => `
  query ($first: Int, $last: Int, $after: ID, $before: ID) { account(id: "${account}") {
    members(first: $first, last: $last, after: $after, before: $before, order: ${order}) { ${parts} }
  } }`;

describe.each(["compiled", "resolved"])("%s", (how) => {
  const ask = (document: string, variables = {}) =>
    servers[how]!.ask<{ account: { members: object } }>(document, variables, { token });

  it.each(["OLDEST_FIRST", "NEWEST_FIRST"])(
    "answers every part of a list as the specification says, %s",
    async (order) => {
      const list = order === "OLDEST_FIRST" ? ids : [...ids].reverse();
      const sizes = [null, 1, COUNT - 1, COUNT];
      const cursors = [null, ...ids];
      const [whole, ...some] = PARTS.map((parts) => documentOf(order, parts)) as [string];
      for (const size of sizes) {
        for (const end of size === null ? ["first"] : ["first", "last"]) {
          for (const after of cursors) {
            for (const before of cursors) {
              const range = { first: null, last: null, after, before, [end]: size };
              const { data, errors } = await ask(whole, range);
              const expected = pageOf(list, range);
              expect({ range, errors, ...data?.account.members }).toEqual({
                ...{ range, errors: [] },
                ...expected,
              });
              // What else is selected changes nothing.
              if (after !== list[1] || before !== list[3]) continue;
              for (const document of some) {
                const part = await ask(document, range);
                expect(expected).toMatchObject(part.data!.account.members);
              }
            }
          }
        }
      }
    },
  );

  it("turns lists in a list round, each by itself", async () => {
    const answer = await ask(`{ account(id: "${account}") { members(last: 2) { nodes {
      id credentials(last: 2, order: NEWEST_FIRST) {
        nodes { id } pageInfo { hasPreviousPage startCursor endCursor } } } } } }`);
    expect(answer).toMatchObject({ errors: [] });
    expect(answer.data!.account.members).toEqual({
      nodes: ids.slice(-2).map((id, i) => {
        const page = credentials[i]!.slice(0, 2).reverse();
        return {
          id,
          credentials: {
            nodes: page.map((id) => ({ id })),
            pageInfo: { hasPreviousPage: i === 1, startCursor: page[0], endCursor: page[1] },
          },
        };
      }),
    });
  });

  it.each([
    ["first: 2, last: 2", "last"],
    ["first: 2, last: 101", "last"],
    ["first: 101, last: 2", "first"],
    ["first: 0, before: $id", "first"],
    ["last: 0, after: $id", "last"],
    ['last: 2, after: "x"', "after"],
    ['first: 2, before: "x"', "before"],
  ])("Bad input: refuses `%s`, and names the field", async (range, field) => {
    const before = await sqlAsOwner("select count(*) from events");
    const written = range.replace("$id", `"${ids[0]!}"`);
    for (const round of ["first", "again"]) {
      const answer = await ask(
        `{ account(id: "${account}") { members(${written}) { nodes { id } } } }`,
      );
      expect({ round, codes: answer.codes }).toEqual({ round, codes: ["BAD_USER_INPUT"] });
      expect(answer.errors[0]!.message).toContain(`\`${field}\``);
      expect(answer.errors[0]!.extensions).toMatchObject({ field: [field] });
      expect(answer.data).toEqual({ account: null });
    }
    expect(await sqlAsOwner("select count(*) from events")).toEqual(before);
  });
});
