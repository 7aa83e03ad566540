import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const src = join(__dirname, "../src");

interface Room {
  /** Other rooms it may use. */
  uses: readonly string[];
  /** Rooms of which it may name types, and nothing that runs. */
  types?: readonly string[];
  /** Files beside the rooms that it may use. */
  files: readonly string[];
  /** Packages that nobody else may use, and so they are named here. */
  packages?: readonly string[];
}

/** What everyone may use: words, and nothing that decides or does. */
const WORDS = ["errors", "ids", "principal"];

/**
 * Who may use what (design.md, "may use"). `database` and the files beside the rooms are
 * infrastructure: only entities do without.
 */
const ROOMS: Record<string, Room> = {
  entities: { uses: [], files: WORDS },
  policies: { uses: ["entities", "database"], files: WORDS },
  identity: { uses: ["entities", "database"], files: [...WORDS, "addresses", "outbound"] },
  operations: {
    uses: ["entities", "identity", "database"],
    files: [...WORDS, "context", "transaction", "recording", "mail", "languages"],
  },
  reads: {
    // Identity for how long a session may idle: the statement verifies what authenticate.ts does.
    uses: ["entities", "policies", "identity", "database"],
    files: [...WORDS, "filters", "languages", "lru", "standing"],
  },
  resolvers: {
    // Reads for what `relations.ts` says of each field, which resolvers do row by row.
    uses: ["entities", "operations", "reads", "database"],
    types: ["policies"],
    files: [...WORDS, "context", "loaders", "filters", "languages", "lru"],
  },
  exports: {
    uses: ["entities", "operations", "database"],
    types: ["policies"],
    files: [...WORDS, "context", "loaders", "filters"],
  },
  social: {
    uses: ["entities", "operations", "database"],
    types: ["policies"],
    files: [...WORDS, "context", "loaders", "filters"],
  },
  mails: { uses: ["identity", "database"], files: [...WORDS, "mail", "languages"] },
  database: { uses: ["entities"], files: WORDS },
};

/** Steps that several operations take, of accounts and of people who prove who they are. */
const SHARED = [
  "operations/invariants",
  "operations/proving",
  "operations/secondFactor",
  "operations/flows",
  "operations/choosing",
];

/** Files that start things. Nothing but they themselves and each other may use them. */
const ENTRANCES = ["main", "start", "cli", "server", "demo", "schema"];

/** Packages that stay behind a door of ours, and whose door it is. */
const BEHIND: Record<string, readonly string[]> = {
  "@casl/": ["policies"],
  "@ucast/": ["policies"],
  "@node-rs/argon2": ["identity"],
  "@zxcvbn-ts/": ["identity"],
  "openid-client": ["identity/social"],
  speakeasy: ["identity/totp"],
  qrcode: ["identity/totp"],
  nodemailer: ["mails"],
  negotiator: ["languages"],
  "graphile-worker": ["jobs", "database"],
  "@apollo/": ["resolvers", "server"],
  "@graphql-yoga/": ["resolvers"],
  "@fastify/": ["server"],
  fastify: ["server", "exports", "social", "resolvers/explorer"],
  graphql: ["resolvers", "reads", "server", "schema"],
  "type-graphql": ["entities", "resolvers", "reads/catalog", "schema", "errors"],
  typeorm: ["entities", "database"],
  pg: ["database"],
  "node:http": ["outbound", "server"],
  "node:https": ["outbound"],
};

interface Import {
  /** As written. */
  from: string;
  /** Where it leads inside src, without extension; null for a package. */
  to: string | null;
  typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

const importsOf = (file: string): Import[] =>
  [
    ...readFileSync(join(src, file), "utf8").matchAll(
      /^(?:import|export)\s+(type\s)?([^;"]*?from\s+)?"([^"]+)"|\bimport\("([^"]+)"\)/gm,
    ),
  ]
    .map(([, type, names, named, later]) => ({ type, names, from: (named ?? later)! }))
    .map(({ type, names, from }) => ({
      from,
      to: from.startsWith(".") ? relative(src, join(src, dirname(file), from)) : null,
      typeOnly: Boolean(type) || (names !== undefined && onlyTypes(names)),
    }));

/** `{ type A, type B } from`: nothing of it runs either. */
function onlyTypes(names: string): boolean {
  const inside = /\{([^}]*)\}\s*from/.exec(names)?.[1];
  const parts = inside?.split(",").map((part) => part.trim());
  return parts?.filter(Boolean).every((part) => part.startsWith("type ")) ?? false;
}

const roomOf = (path: string) => (path.includes("/") ? path.split("/")[0]! : null);
const inRoom = (path: string, room: string) => path === room || path.startsWith(`${room}/`);

it("finds the files and what they import", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(importsOf("resolvers/findNode.ts").map(({ to }) => to)).toContain("context");
  const rooms = new Set(files.map(roomOf).filter((room) => room !== null));
  expect([...rooms].sort()).toEqual(Object.keys(ROOMS).sort());
});

it.each(files.filter(roomOf))("%s stays out of rooms it has no business in", (file) => {
  const room = roomOf(file)!;
  const { uses, types = [], files: beside } = ROOMS[room]!;
  const breaches = importsOf(file).filter(({ to, typeOnly }) => {
    if (to === null || to.startsWith("..")) return false; // a package, or a migration
    const other = roomOf(to);
    if (other === null) return !beside.includes(to);
    if (other === room || uses.includes(other)) return false;
    return !(typeOnly && types.includes(other));
  });
  expect(breaches.map(({ to }) => to)).toEqual([]);
});

it.each(files.filter((file) => roomOf(file) === "operations"))(
  "%s uses no other operation: they share steps, never each other",
  (file) => {
    const others = importsOf(file)
      .map(({ to }) => to!)
      .filter((to) => to && inRoom(to, "operations") && !SHARED.includes(to));
    expect(others).toEqual([]);
  },
);

it.each(files.filter((file) => !ENTRANCES.includes(file.replace(/\.ts$/, ""))))(
  "%s is started, and starts nothing",
  (file) => {
    const entrances = importsOf(file).filter(
      ({ to, typeOnly }) => to && ENTRANCES.includes(to) && !typeOnly,
    );
    expect(entrances.map(({ to }) => to)).toEqual([]);
  },
);

it.each(files)("%s leaves packages behind the doors they are behind", (file) => {
  const path = file.replace(/\.ts$/, "");
  const breaches = importsOf(file).filter(({ from, to, typeOnly }) => {
    if (to !== null || typeOnly) return false;
    const name = Object.keys(BEHIND).find((one) =>
      one.endsWith("/") ? from.startsWith(one) : from === one || from.startsWith(`${one}/`),
    );
    return name !== undefined && !BEHIND[name]!.some((door) => inRoom(path, door));
  });
  expect(breaches.map(({ from }) => from)).toEqual([]);
});

it("calls other servers by the one client that looks where it is going", () => {
  const calls = files.filter((file) =>
    /(?<![.\w])fetch\(/.test(readFileSync(join(src, file), "utf8")),
  );
  expect(calls).toEqual([]);
});

it("runs in one direction: no file needs itself to be there first", () => {
  const needs = new Map(
    files.map((file) => [
      file.replace(/\.ts$/, ""),
      importsOf(file).flatMap(({ to, typeOnly }) => (to && !typeOnly ? [to] : [])),
    ]),
  );
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) throw new Error(`A circle: ${[...way, file].join(" → ")}`);
    if (done.has(file)) return;
    for (const next of needs.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of needs.keys()) visit(file, []);
});

it("has named exports only, no barrels, and no room for what has no place", () => {
  const nowhere = /(^|\/)(services?|utils?|helpers?|common|types|dto|interfaces|index)(\/|\.ts$)/i;
  expect(files.filter((file) => nowhere.test(file))).toEqual([]);
  const loose = files.filter((file) =>
    /^export (default|\*)/m.test(readFileSync(join(src, file), "utf8")),
  );
  expect(loose).toEqual([]);
});
