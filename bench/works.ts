import type { Seeded } from "./seed";

/** How many requests are under way at any moment. */
export const CONNECTIONS = 32;

/** One request, in the words that all three servers take. */
export interface Ask {
  operation: keyof typeof DOCUMENTS;
  variables: Record<string, unknown>;
  key: string;
  /** How the answer begins when all is well; an error or a null begins otherwise. */
  expects: string;
}

export interface Work {
  title: string;
  /** The part of the limit's requests per second that Gatehouse promises to keep. */
  atLeast: number;
  /**
   * What one connection asks next. Requests of one turn belong together: the second puts back
   * what the first changed, so that every write finds something to do.
   */
  turn(seeded: Seeded, connection: number): Ask[];
}

export const DOCUMENTS = {
  Nested: `query Nested($id: ID!) {
    account(id: $id) {
      id
      name
      members(first: 50) {
        nodes {
          id
          roles { administrator developer team billing }
          user { email name }
          credentials(first: 3) { nodes { id kind description createdAt } }
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

export type WorkName = "nested" | "viewer" | "write";

export const WORKS: Record<WorkName, Work> = {
  nested: {
    title: "nested: an account, 50 members, each with its user and 3 credentials",
    atLeast: 0.65,
    turn({ accounts }) {
      const { id, keys } = anyOf(accounts);
      const expects = '{"data":{"account":{"id":';
      return [{ operation: "Nested", variables: { id }, key: anyOf(keys), expects }];
    },
  },
  viewer: {
    title: "viewer: who am I",
    atLeast: 0.45,
    turn({ accounts }) {
      const expects = '{"data":{"viewer":{"principal":{"id":';
      return [{ operation: "Viewer", variables: {}, key: anyOf(anyOf(accounts).keys), expects }];
    },
  },
  write: {
    title: "write: a member disabled or enabled, with its event",
    atLeast: 0.35,
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
};

/** The body of the HTTP request. */
export function bodyOf({ operation, variables }: Ask): string {
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
