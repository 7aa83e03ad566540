import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  isRequiredArgument,
  isScalarType,
} from "graphql";
import { schema } from "../../src/graphql/schema";
import { useDatabase } from "../support/database";
import { aMember, anAccount, aSession } from "../support/factories";
import { type Answer, type Served, serve } from "../support/http";

const servers: Record<string, Served> = {};
let token: string;

beforeAll(async () => {
  await useDatabase();
  servers["compiled"] = await serve();
  servers["resolved"] = await serve({ env: { GATEHOUSE_COMPILED_READS: "false" } });
  const member = await aMember(await anAccount(), { administrator: true });
  ({ token } = await aSession(member.userId));
});

/** A value of an input type, as a literal. */
function literal(type: GraphQLInputType): string {
  if (isNonNullType(type)) return literal(type.ofType);
  if (isListType(type)) return `[${literal(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{${required.map((field) => `${field.name}: ${literal(field.type)}`).join(" ")}}`;
  }
  const literals: Record<string, string> = {
    Int: "1",
    Boolean: "true",
    DateTimeISO: '"2026-01-01T00:00:00.000Z"',
  };
  return literals[type.name] ?? '"x"';
}

const required = (args: readonly GraphQLArgument[]) =>
  args.filter(isRequiredArgument).map((one) => `${one.name}: ${literal(one.type)}`);

const called = ({ name, args }: GraphQLField<unknown, unknown>, more: string[] = []): string => {
  const all = [...required(args).filter((one) => !more.some((m) => sameName(m, one))), ...more];
  return all.length ? `${name}(${all.join(", ")})` : name;
};
const sameName = (a: string, b: string) => a.split(":")[0] === b.split(":")[0];

/** A field with the least that can be asked of what it answers. */
const withLeaf = (field: GraphQLField<unknown, unknown>, more: string[] = []): string =>
  called(field, more) +
  (isScalarType(getNamedType(field.type)) || isEnumType(getNamedType(field.type))
    ? ""
    : " { __typename }");

/** How to ask for each object type, from the root: what goes before it and what after. */
function ways(): Map<GraphQLObjectType, [before: string, after: string]> {
  const found = new Map<GraphQLObjectType, [string, string]>();
  const visit = (type: GraphQLObjectType, way: [string, string]): void => {
    if (found.has(type)) return;
    found.set(type, way);
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type);
      const least = field.args.some(({ name }) => name === "first") ? ["first: 1"] : [];
      const [before, after] = [`${way[0]} ${called(field, least)} {`, `} ${way[1]}`];
      if (isObjectType(next)) visit(next, [before, after]);
      if (!isInterfaceType(next)) continue;
      for (const one of schema.getPossibleTypes(next)) {
        visit(one, [`${before} ... on ${one.name} {`, `} ${after}`]);
      }
    }
  };
  visit(schema.getQueryType()!, ["{", "}"]);
  return found;
}

interface Case {
  what: string;
  document: string;
}

/** Every argument, and every field of an input, that takes no null and has a default. */
function cases(): Case[] {
  const all: Case[] = [];
  const defaulted = (one: GraphQLArgument | GraphQLInputField) =>
    isNonNullType(one.type) && one.defaultValue !== undefined;
  const nullable = (one: GraphQLArgument | GraphQLInputField) =>
    String(isNonNullType(one.type) ? one.type.ofType : one.type);
  const add = (what: string, type: string, kind: string, ask: string) =>
    all.push({ what, document: `${kind} ($null: ${type}) ${ask}` });
  const ofField = (
    owner: string,
    field: GraphQLField<unknown, unknown>,
    kind: string,
    [before, after]: [string, string],
  ): void => {
    for (const arg of field.args) {
      const ask = (value: string) =>
        `${before} ${withLeaf(field, [`${arg.name}: ${value}`])} ${after}`;
      if (defaulted(arg))
        add(`${owner}.${field.name}(${arg.name}:)`, nullable(arg), kind, ask("$null"));
      const input = getNamedType(arg.type);
      if (!isInputObjectType(input)) continue;
      for (const inner of Object.values(input.getFields())) {
        if (!defaulted(inner)) continue;
        const others = Object.values(input.getFields()).filter(isRequiredInputField);
        const object = [
          ...others.map((one) => `${one.name}: ${literal(one.type)}`),
          `${inner.name}: $null`,
        ];
        add(`${input.name}.${inner.name}`, nullable(inner), kind, ask(`{${object.join(", ")}}`));
      }
    }
  };
  for (const [type, way] of ways()) {
    for (const field of Object.values(type.getFields())) ofField(type.name, field, "query", way);
  }
  for (const field of Object.values(schema.getMutationType()!.getFields())) {
    ofField("Mutation", field, "mutation", ["{", "}"]);
  }
  for (const { name, args } of schema.getDirectives()) {
    if (!args.some((arg) => arg.name === "if")) continue;
    for (const [where, ask] of [
      ["a field", `{ viewer @${name}(if: $null) { __typename } }`],
      ["__typename", `{ __typename @${name}(if: $null) }`],
      ["a spread", `{ ...F @${name}(if: $null) } fragment F on Query { __typename }`],
      ["an inline fragment", `{ ... @${name}(if: $null) { __typename } }`],
      ["a fragment", `{ ...F } fragment F on Query { viewer @${name}(if: $null) { __typename } }`],
    ] as const) {
      add(`@${name} of ${where}`, "Boolean = true", "query", ask);
    }
  }
  return all;
}

const walked = cases();

it("finds what to ask", () => {
  const what = walked.map((one) => one.what);
  expect(what).toContain("Account.members(order:)");
  expect(what).toContain("SignInInput.transport");
  expect(what).toContain("@include of a field");
  expect(what.length).toBeGreaterThanOrEqual(20);
});

const refusal = ({ status, codes, errors: [error] }: Answer) => ({
  status,
  codes,
  field: error?.extensions?.["field"],
  message: error?.message,
});

it.each(walked)(
  "refuses null for $what, which takes none, and names the variable",
  async ({ document }) => {
    const answers: unknown[] = [];
    for (const server of Object.values(servers)) {
      for (const round of ["first", "again"]) {
        const answer = await server.ask(document, { null: null }, { token });
        expect({ round, ...refusal(answer) }).toMatchObject({
          status: 400,
          codes: ["BAD_USER_INPUT"],
          field: ["$null"],
          message: expect.stringContaining("`$null` is null where a value of type") as string,
        });
        answers.push(refusal(answer));
      }
    }
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
  },
);

describe.each(["compiled", "resolved"])("a variable of a page's size, %s", (how) => {
  const MEMBERS = "{ viewer { memberships(first: $n) { nodes { accountName } } } }";
  const ask = (head: string, variables?: Record<string, unknown>) =>
    servers[how]!.ask(`query ${head} ${MEMBERS}`, variables, { token });

  it("takes the default where it is left out or null, and the number where it is sent", async () => {
    for (const [head, variables, size] of [
      ["($n: Int)", {}, 50],
      ["($n: Int)", { n: null }, 50],
      ["($n: Int = null)", {}, 50],
      ["($n: Int = 7)", {}, 7],
      ["($n: Int)", { n: 1 }, 1],
    ] as const) {
      const answer = await ask(head, variables);
      expect(answer).toMatchObject({ status: 200, errors: [] });
      expect(answer.extensions).toMatchObject({ cost: { requested: 1 + 1 + size * 2 } });
    }
  });

  it("may be null in one operation of a document where another one needs it", async () => {
    const two = `query A($n: ID!, $f: ID) { node(id: $n) { id } viewer { memberships(after: $f) { nodes { accountName } } } }
      query B($f: Int) { viewer { memberships(first: $f) { nodes { accountName } } } }`;
    const { url } = servers[how]!;
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: two, operationName: "A", variables: { n: "mem_x", f: null } }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).not.toHaveProperty("errors");
  });
});

const inAccount = (list: string) =>
  `{ viewer { memberships(first: 1) { nodes { account { ${list} { nodes { id } } } } } } }`;

it.each([
  [
    "memberships",
    (at: string) => `{ viewer { memberships${at} { nodes { accountName } } } }`,
    "ev",
  ],
  ["members", (at: string) => inAccount(`members${at}`), "ak"],
  ["credentials", (at: string) => inAccount(`credentials${at}`), "mem"],
  ["events", (at: string) => inAccount(`events${at}`), "usr"],
  ["the viewer's events", (at: string) => `{ viewer { events${at} { nodes { id } } } }`, "ses"],
])("takes no cursor of another list for %s", async (_what, document, prefix) => {
  const cursor = `${prefix}_01m85e5wcde4d90dg4x7dr4e40`;
  for (const server of Object.values(servers)) {
    for (const side of ["after", "before"]) {
      for (const round of ["first", "again"]) {
        const query = `query ($cursor: ID) ${document(`(${side}: $cursor)`)}`;
        const answer = await server.ask(query, { cursor }, { token });
        expect({ round, codes: answer.codes }).toEqual({ round, codes: ["BAD_USER_INPUT"] });
        expect(answer.errors[0]!.extensions).toMatchObject({ field: [side] });
      }
    }
  }
});
