import "reflect-metadata";
import { performance } from "node:perf_hooks";
import {
  getNamedType,
  type GraphQLInputObjectType,
  isInputObjectType,
  isObjectType,
} from "graphql";
import { Client } from "pg";
import { migrate } from "../src/database/migrate";
import { schema } from "../src/graphql/schema";
import { Link, requestOf } from "./link";
import { findPostgres } from "./postgres";
import { median } from "./report";
import { type Large, RARE, seedLarge } from "./seedLarge";
import { startGatehouse } from "./servers";
import { Stops } from "./stops";

/**
 * Whether an account's size tells in what it waits for: every filter of the schema, forward and
 * backward, in an account of a million members and five million events, and in a small one beside it.
 *
 *     npm run bench:scale -- --members 1000000 --events 5000000
 *
 * Ends with 1 where the large account waits more than three times as long.
 */
const MOST = 3;
const ROUNDS = 31;
/** Below this, in ms, the ratio tells of the machine and not of the account. */
const FLOOR_MS = 0.5;

/** Of which some name what no index finds: these may be refused. */
type Question = [what: string, selection: string];
const MAY_BE_REFUSED = /another's/;

const page = (list: string, fields: string) => (filter: string) =>
  `${list}(first: 50${filter && `, ${filter}`}) { nodes { ${fields} } pageInfo { hasNextPage endCursor } }`;
const members = page("members", "id roles { administrator } user { name email }");
const credentials = page("credentials", "id kind status");
const events = page("events", "id type occurredAt");

const MEMBERS: Question[] = [
  ["all members", members("")],
  ["administrators", members("filter: { roles: { administrator: true } }")],
  ["team managers", members("filter: { roles: { team: MANAGER } }")],
  ["members of billing", members("filter: { roles: { billing: ACCESS } }")],
  ["read-only developers", members("filter: { roles: { developer: READ_ONLY } }")],
  ["disabled members", members("filter: { status: DISABLED }")],
  ["active members", members("filter: { status: ACTIVE }")],
  [
    "disabled managers",
    members("filter: { status: DISABLED, roles: { team: MANAGER, administrator: false } }"),
  ],
  ["text of one name", members(`filter: { text: "${RARE}" }`)],
  ["text of no name", members('filter: { text: "Xerxes Q" }')],
  ["text of no name, two characters", members('filter: { text: "qx" }')],
  ["text of every email", members('filter: { text: "example.com" }')],
  ["text of every email, one character", members('filter: { text: "e" }')],
  ["text of many names in other accounts", members('filter: { text: "elsewhere" }')],
  ["text of one name, disabled", members(`filter: { text: "${RARE}", status: DISABLED }`)],
  ["text of every email, disabled", members('filter: { text: "example.com", status: DISABLED }')],
];

const CREDENTIALS: Question[] = [
  ["all credentials", credentials("order: NEWEST_FIRST")],
  ["API keys", credentials("filter: { kind: API_KEY }")],
  ["authtokens", credentials("filter: { kind: AUTHTOKEN }")],
  ["revoked credentials", credentials("filter: { revoked: true }")],
  ["revoked API keys", credentials("filter: { revoked: true, kind: API_KEY }")],
  ["an owner's revoked ones", credentials("filter: { revoked: true, ownerId: $member }")],
];

const EVENTS: Question[] = ["NEWEST_FIRST", "OLDEST_FIRST"].flatMap((order) => {
  const ask = (what: string, filter: string): Question => [
    `${what}, ${order}`,
    events(`order: ${order}, filter: { ${filter} }`),
  ];
  return [
    ask("events", ""),
    ask("a common type", 'types: ["member_roles_updated.v1"]'),
    ask("a rare type", 'types: ["account_updated.v1"]'),
    ask("a type that never occurred", 'types: ["never.v1"]'),
    ask("a common type and one that never occurred", 'types: ["never.v1", "member_enabled.v1"]'),
    ask("a principal", "principalId: $user"),
    ask("a principal who did nothing", "principalId: $nobody"),
    ask("what a busy principal never did", 'principalId: $user, types: ["never.v1"]'),
    ask("an object", "objectId: $member"),
    ask("an object of nothing", "objectId: $none"),
    ask("a common address", 'ip: "192.0.2.7"'),
    ask("an address that never occurred", 'ip: "192.0.2.200"'),
    ask("a network that never occurred", 'ip: "198.51.100.0/24"'),
    ask("a common network", 'ip: "192.0.2.0/24"'),
    ask(
      "a busy principal at an address that never occurred",
      'principalId: $user, ip: "192.0.2.200"',
    ),
    ask("a busy principal at another's address", 'principalId: $user, ip: "192.0.2.9"'),
    ask("a busy principal and an object of nothing", "principalId: $user, objectId: $none"),
    ask("a busy principal and another's object", "principalId: $user, objectId: $member"),
    ask("an object from another's address", 'objectId: $busy, ip: "192.0.2.9"'),
    ask("an hour", "from: $from, until: $until"),
    ask("an hour of a type that never occurred", 'types: ["never.v1"], from: $from, until: $until'),
  ];
});

const OTHERS: Question[] = [
  ["members beyond a cursor in the middle", members("after: $member")],
  ["a member by id", "... on Account { id } own: can { update seeAllEvents createCredential }"],
  [
    "members with all that hangs on them",
    "members(first: 20) { nodes { can { disable } credentials(first: 3) { nodes { id } } } }",
  ],
];

/** Of a member who may read little of the account. */
const ORDINARY: Question[] = [
  ["an ordinary member's members", members("")],
  ["an ordinary member's credentials", credentials("")],
  ["an ordinary member's events", events("")],
  ["an ordinary member's events, OLDEST_FIRST", events("order: OLDEST_FIRST")],
  ["an ordinary member's events of a type", events('filter: { types: ["member_enabled.v1"] }')],
];

/** The same of the list's other end. */
const backward = ([what, selection]: Question): Question => [
  `${what}, backward`,
  selection
    .replaceAll("first:", "last:")
    .replaceAll("after:", "before:")
    .replaceAll("hasNextPage endCursor", "hasPreviousPage startCursor"),
];

const QUESTIONS = [...MEMBERS, ...CREDENTIALS, ...EVENTS, ...OTHERS, ...ORDINARY].flatMap((one) =>
  one[1].includes("first:") ? [one, backward(one)] : [one],
);

async function main(): Promise<void> {
  assertAllFilters();
  const stops = new Stops();
  const began = performance.now();
  try {
    const { what, url } = await findPostgres(stops);
    await migrate(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    stops.add(() => client.end());
    const { large, small } = await seedLarge(client);
    say(`${what}; Node ${process.version}. Seeded in ${secondsSince(began)} s.\n`);
    const server = await startGatehouse("Gatehouse", url, [], stops);
    const link = await Link.open(server.port);
    stops.add(() => Promise.resolve(link.close()));

    say(row(["", "small, ms", "large, ms", "×"]));
    say(row(["---", "---:", "---:", "---:"]));
    const slow: string[] = [];
    for (const [what, selection] of QUESTIONS) {
      const [ofSmall, ofLarge] = await timesOf(link, [what, selection], [small, large]);
      const ratio = Math.max(ofLarge!, FLOOR_MS) / Math.max(ofSmall!, FLOOR_MS);
      if (ratio > MOST) slow.push(what);
      say(row([what, ofSmall!.toFixed(2), ofLarge!.toFixed(2), ratio.toFixed(2)]));
    }
    say(`\n${secondsSince(began)} s in all.`);
    if (slow.length) say(`More than ${MOST} times the small account: ${slow.join("; ")}.`);
    process.exitCode = slow.length ? 1 : 0;
  } finally {
    await stops.all();
  }
}

const HEAD =
  "query ($id: ID!, $member: ID!, $busy: ID!, $user: ID!, $none: ID!, $nobody: ID!, $from: DateTimeISO!, $until: DateTimeISO!)";

/** The median time of an answer in ms for each account, asked in turns. */
async function timesOf(
  link: Link,
  [what, selection]: Question,
  accounts: Large[],
): Promise<number[]> {
  const declared = HEAD.replace(/\$(\w+): \w+!(, )?/g, (one, name: string) =>
    name === "id" || selection.includes(`$${name}`) ? one : "",
  ).replace(/, \)$/, ")");
  const query = `${declared} { account(id: $id) { ${selection} } }`;
  const times: number[][] = accounts.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { key, ordinaryKey, variables }] of accounts.entries()) {
      const token = what.includes("an ordinary member") ? ordinaryKey : key;
      const request = requestOf(JSON.stringify({ query, variables }), token);
      const asked = performance.now();
      const answer = await link.ask(request);
      times[i]!.push(performance.now() - asked);
      const isRefused = MAY_BE_REFUSED.test(what) && answer.includes("Narrow it");
      if (!isRefused && !answer.startsWith('HTTP/1.1 200 {"data":{"account":{')) {
        throw new Error(`${query} was answered: ${answer}`);
      }
    }
  }
  // The first answers are of a document that nobody sent before.
  return times.map((list) => median(list.slice(3)));
}

/** A filter of the schema that no question has would grow slow without being noticed. */
function assertAllFilters(): void {
  const asked = QUESTIONS.map(([, selection]) => selection).join(" ");
  const missing = new Set<string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const filter = field.args.find(({ name }) => name === "filter");
      const input = filter && getNamedType(filter.type);
      if (!isInputObjectType(input)) continue;
      for (const path of pathsOf(input)) {
        const isAsked = new RegExp(`\\b${field.name}\\([^)]*\\b${path}:`).test(asked);
        if (!isAsked) missing.add(`${field.name}(filter: { ${path} })`);
      }
    }
  }
  if (missing.size) throw new Error(`No question asks ${[...missing].join(", ")}.`);
}

/** What a filter can name, down to what has a value. */
function pathsOf(input: GraphQLInputObjectType): string[] {
  return Object.values(input.getFields()).flatMap(({ name, type }) => {
    const named = getNamedType(type);
    return isInputObjectType(named) ? pathsOf(named) : [name];
  });
}

const secondsSince = (began: number) => Math.round((performance.now() - began) / 1000);
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
