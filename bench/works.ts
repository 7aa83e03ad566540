import type { Seeded } from "./seed";
import type { ServerName } from "./servers";

/** How many requests are under way at any moment. */
export const CONNECTIONS = 32;

/** One request, in the words that all servers take. */
export interface Ask {
  operation: keyof typeof DOCUMENTS;
  /** The document, where it is not the operation's own. */
  query?: string;
  variables: Record<string, unknown>;
  key: string;
  /** How the answer begins when all is well; an error or a null begins otherwise. */
  expects: string;
}

export interface Work {
  title: string;
  /** Who takes part. The first is what the others are measured against. */
  servers: readonly [ServerName, ...ServerName[]];
  /** The part of the first one's requests per second that Gatehouse promises to keep. */
  atLeast: number;
  /**
   * What one connection asks next. Requests of one turn belong together: the second puts back
   * what the first changed, so that every write finds something to do.
   */
  turn(seeded: Seeded, connection: number): Ask[];
}

const nested = (
  operation: string,
  ofMember = "",
  ofCredential = "",
) => `query ${operation}($id: ID!) {
    account(id: $id) {
      id
      name
      members(first: 50) {
        nodes {
          id
          roles { administrator developer team billing } ${ofMember}
          user { email name }
          credentials(first: 3) { nodes { id kind description createdAt ${ofCredential} } }
        }
      }
    }
  }`;

export const DOCUMENTS = {
  Nested: nested("Nested"),
  Can: nested(
    "Can",
    "can { updateRoles disable enable remove leave createCredential }",
    "can { update revoke }",
  ),
  Events: `query Events($id: ID!) {
    account(id: $id) {
      id
      events(first: 50) {
        nodes {
          id type occurredAt
          principal { id kind subject }
          ip objectId object changes decision
        }
      }
    }
  }`,
  Viewer: `query Viewer { viewer { principal { id name ... on User { email } } } }`,
  Disable: `mutation Disable($input: DisableMemberInput!) {
    disableMember(input: $input) { member { id status disabledAt } userErrors { code message } }
  }`,
  Enable: `mutation Enable($input: EnableMemberInput!) {
    enableMember(input: $input) { member { id status disabledAt } userErrors { code message } }
  }`,
} as const;

export type WorkName = "nested" | "can" | "events" | "viewer" | "first-seen" | "write" | "peers";

const ALL = ["limit", "hand", "Gatehouse", "resolvers"] as const;
/** Hand-written code for these would say nothing new. */
const WITHOUT_HAND = ["limit", "Gatehouse", "resolvers"] as const;

/** A question about one account. */
const about = (operation: "Nested" | "Can" | "Events", query?: () => string) =>
  function ({ accounts }: Pick<Seeded, "accounts">): Ask[] {
    const { id, keys } = anyOf(accounts);
    const expects = '{"data":{"account":{"id":';
    const ask = { operation, variables: { id }, key: anyOf(keys), expects };
    return [query ? { ...ask, query: query() } : ask];
  };

let seen = 0;
/** The nested question in words that nobody used before: as long, and as much to answer. */
const unseen = () => nested("Nested", `unseen${process.pid}x${seen++}: id`);

export const WORKS: Record<WorkName, Work> = {
  nested: {
    title: "nested: an account, 50 members, each with its user and 3 credentials",
    servers: ALL,
    atLeast: 0.9,
    turn: about("Nested"),
  },
  can: {
    title: "can: the same, with what the caller may do to each member and credential",
    servers: WITHOUT_HAND,
    atLeast: 0.9,
    turn: about("Can"),
  },
  events: {
    title: "events: the 50 newest of an account",
    servers: WITHOUT_HAND,
    atLeast: 0.78,
    turn: about("Events"),
  },
  "first-seen": {
    title: "first-seen: the nested question, each time in a document never seen before",
    servers: ["resolvers", "Gatehouse"],
    atLeast: 2.5,
    turn: about("Nested", unseen),
  },
  viewer: {
    title: "viewer: who am I",
    servers: ALL,
    atLeast: 0.6,
    turn({ accounts }) {
      const expects = '{"data":{"viewer":{"principal":{"id":';
      return [{ operation: "Viewer", variables: {}, key: anyOf(anyOf(accounts).keys), expects }];
    },
  },
  write: {
    title: "write: a member disabled or enabled, with its event",
    servers: ALL,
    atLeast: 0.45,
    turn({ accounts }, connection) {
      const { keys, ordinary } = anyOf(accounts);
      // Each connection has members of its own: no two undo each other's work.
      const memberId = anyOf(ordinary.filter((_, i) => i % CONNECTIONS === connection));
      const ask = { variables: { input: { memberId } }, key: anyOf(keys) };
      return [
        { ...ask, operation: "Disable", expects: '{"data":{"disableMember":{"member":{"id":' },
        { ...ask, operation: "Enable", expects: '{"data":{"enableMember":{"member":{"id":' },
      ];
    },
  },
  peers: {
    title: "peers: the nested question, beside other systems",
    servers: ["limit", "Gatehouse", "mercurius", "PostGraphile"],
    atLeast: 0.9,
    turn: about("Nested"),
  },
};

/** Those that need nothing else installed. */
export const USUAL = Object.keys(WORKS).filter((name) => name !== "peers") as WorkName[];

/** The body of the HTTP request. */
export function bodyOf({ operation, query, variables }: Ask): string {
  if (query) return JSON.stringify({ operationName: operation, query, variables });
  return `${STARTS[operation]}${JSON.stringify(variables)}}`;
}

const STARTS = Object.fromEntries(
  Object.entries(DOCUMENTS).map(([operationName, query]) => [
    operationName,
    `${JSON.stringify({ operationName, query }).slice(0, -1)},"variables":`,
  ]),
);

function anyOf<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)]!;
}
