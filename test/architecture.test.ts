import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { getMetadataArgsStorage } from "typeorm";
import { UNRECORDED, writesOf } from "../src/context/unrecorded";
import { entities } from "../src/database/dataSource";

const src = join(__dirname, "../src");

interface Room {
  /** Other rooms it may use. */
  uses: readonly string[];
  /** Rooms of which it may name types, and nothing that runs. */
  types?: readonly string[];
  /** Single files of other rooms that it may use. */
  files?: readonly string[];
}

/** What everyone may use: words, and nothing that decides or does. */
const WORDS = ["errors", "ids", "principal"];

/** The programs, and the words of every room. Nothing else stands outside a room. */
const BESIDE_ROOMS = ["main", "start", "cli", ...WORDS];

/**
 * Which rooms a room may use. `database` and `net` are infrastructure that only entities do
 * without.
 */
const ROOMS: Record<string, Room> = {
  entities: { uses: [] },
  net: { uses: [] },
  database: { uses: ["entities"] },
  policies: { uses: ["entities", "database"] },
  identity: { uses: ["entities", "database", "net"] },
  mails: { uses: ["identity", "database"] },
  context: {
    uses: ["entities", "policies", "identity", "database"],
    types: ["net"],
    files: ["mails/languages"],
  },
  operations: {
    uses: ["entities", "identity", "context", "database"],
    files: ["mails/queueMail", "mails/languages"],
  },
  reads: {
    uses: ["entities", "policies", "context", "database", "net"],
    files: ["mails/languages"],
  },
  resolvers: {
    // Reads for what `relations.ts` says of each field, which resolvers do row by row.
    uses: ["entities", "operations", "context", "reads", "database"],
    types: ["policies"],
    files: ["mails/languages"],
  },
  graphql: { uses: ["entities", "context", "reads", "resolvers"] },
  http: {
    uses: ["entities", "identity", "context", "operations", "reads", "graphql", "database", "net"],
    types: ["setup"],
    files: ["mails/languages"],
  },
  setup: {
    uses: ["entities", "identity", "context", "operations", "mails", "database", "net"],
  },
  commands: {
    uses: ["entities", "context", "operations", "database", "net", "setup"],
    files: ["policies/policyTable", "reads/filters", "reads/followed", "graphql/schema"],
  },
};

/** Packages that stay behind a door of ours, and whose door it is. */
const BEHIND: Record<string, readonly string[]> = {
  "@casl/": ["policies"],
  "@ucast/": ["policies"],
  "@node-rs/argon2": ["identity"],
  "@zxcvbn-ts/": ["identity"],
  "openid-client": ["identity/providers"],
  speakeasy: ["identity/totp"],
  qrcode: ["identity/totp"],
  nodemailer: ["mails"],
  negotiator: ["mails/languages"],
  bowser: ["mails/userAgent"],
  "graphile-worker": ["setup/jobs", "database"],
  "@apollo/": ["graphql", "http"],
  "@graphql-yoga/": ["graphql"],
  "@fastify/": ["http"],
  "csv-stringify": ["http/eventExports"],
  fastify: ["http"],
  graphql: ["graphql", "resolvers", "reads", "http"],
  "type-graphql": ["entities", "resolvers", "reads/concreteTypes", "graphql", "errors"],
  typeorm: ["entities", "database"],
  "ipaddr.js": ["net/addresses"],
  pg: ["database"],
  "node:http": ["net/outbound", "http"],
  "node:https": ["net/outbound"],
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
      to: from.startsWith(".")
        ? relative(src, join(src, dirname(file), from.replace(/\.js$/, "")))
        : null,
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
  expect(importsOf("resolvers/findNode.ts").map(({ to }) => to)).toContain("context/context");
  const rooms = new Set(files.map(roomOf).filter((room) => room !== null));
  expect([...rooms].sort()).toEqual(Object.keys(ROOMS).sort());
});

it.each(files.filter(roomOf))("%s stays out of rooms it has no business in", (file) => {
  const room = roomOf(file)!;
  const { uses, types = [], files: single = [] } = ROOMS[room]!;
  const breaches = importsOf(file).filter(({ to, typeOnly }) => {
    if (to === null || to.startsWith("..")) return false; // a package, or a migration
    const other = roomOf(to);
    if (other === null) return !WORDS.includes(to);
    if (other === room || uses.includes(other) || single.includes(to)) return false;
    return !(typeOnly && types.includes(other));
  });
  expect(breaches.map(({ to }) => to)).toEqual([]);
});

it.each(files.filter((file) => roomOf(file) === "operations"))(
  "%s uses no other operation: they share steps, never each other",
  (file) => {
    const others = importsOf(file)
      .map(({ to }) => to!)
      .filter((to) => to && inRoom(to, "operations") && !inRoom(to, "operations/steps"));
    expect(others).toEqual([]);
  },
);

it("has no file outside a room but the programs and the words of every room", () => {
  const outside = files.filter((file) => !roomOf(file)).map((file) => file.replace(/\.ts$/, ""));
  expect(outside.sort()).toEqual([...BESIDE_ROOMS].sort());
});

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

const TABLES = new Set(
  getMetadataArgsStorage()
    .tables.filter(({ target }) => (entities as unknown[]).includes(target))
    .map(({ name }) => name!),
);

/** What each file writes by SQL of its own, by the names of `UNRECORDED`. */
const written = (file: string) =>
  writesOf(
    readFileSync(join(src, file), "utf8")
      .replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "")
      .replace(/\$\{[^{}]*\}/g, "$1"),
  );

/** Files that write rows of an entity past `Transaction`, what they write, and why. */
const PAST_THE_TRANSACTION: Record<string, { writes: string[]; because: string }> = {
  "context/authenticate.ts": {
    writes: ["credentials", "sessions"],
    because: "A use is noted after the answer: when, from where, by which client.",
  },
  "setup/sweep.ts": {
    writes: ["sessions"],
    because: "A session that nobody can use any more goes by its age; its events stay.",
  },
};

it("E1: knows the tables of entities, and what writes them", () => {
  expect([...TABLES]).toEqual(expect.arrayContaining(["accounts", "memberships", "user_events"]));
  expect(TABLES.size).toBe(entities.length);
  expect(written("identity/oneTimeTokens.ts")).toContain("one_time_tokens");
  expect(written("operations/steps/useCode.ts")).toEqual(["authenticators.last_step"]);
});

it("E1: keeps no table that has an entity among what needs no event", () => {
  expect(Object.keys(UNRECORDED).filter((name) => TABLES.has(name))).toEqual([]);
});

it.each(files.filter((file) => file !== "context/transaction.ts" && !file.startsWith("database/")))(
  "E1: %s writes no row of an entity past the transaction",
  (file) => {
    const allowed = [...Object.keys(UNRECORDED), ...(PAST_THE_TRANSACTION[file]?.writes ?? [])];
    const breaches = written(file).filter(
      (name) => TABLES.has(name.split(".")[0]!) && !allowed.includes(name),
    );
    expect(breaches).toEqual([]);
  },
);

it("E1: makes statements that write a row in the transaction, and of events where those are made", () => {
  const makers = files.filter((file) =>
    /\.(insertion|change)\(|(insert into|update|delete from) \$\{/.test(
      readFileSync(join(src, file), "utf8"),
    ),
  );
  expect(makers.sort()).toEqual([
    "context/accountEntries.ts",
    "context/refusals.ts",
    "context/transaction.ts",
    "database/table.ts",
  ]);
});

/** Rooms within which types still go round in circles. */
const CIRCLES_OF_TYPES = ["mails", "reads"];

it("runs in one direction: no file needs itself to be there first, nor names what names it", () => {
  const needs = new Map(
    files.map((file) => [
      file.replace(/\.ts$/, ""),
      importsOf(file).flatMap(({ to, typeOnly }) => {
        const room = roomOf(file);
        const excused = typeOnly && roomOf(to ?? "") === room && CIRCLES_OF_TYPES.includes(room!);
        return to && !excused ? [to] : [];
      }),
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
  const nowhere =
    /(^|\/)(services?\/|(utils?|helpers?|common|types|dto|interfaces|index)(\/|\.ts$))/i;
  expect(files.filter((file) => nowhere.test(file))).toEqual([]);
  const loose = files.filter((file) =>
    /^export (default|\*)/m.test(readFileSync(join(src, file), "utf8")),
  );
  expect(loose).toEqual([]);
});

/** What stands in several files, each with those. */
const shared = (named: readonly (readonly [name: string, file: string])[]) => {
  const files = new Map<string, Set<string>>();
  for (const [name, file] of named) files.set(name, (files.get(name) ?? new Set()).add(file));
  return [...files].filter(([, { size }]) => size > 1).map(([name, of]) => [name, ...of]);
};

it("exports each name from one file", () => {
  const exported = files.flatMap((file) =>
    [...readFileSync(join(src, file), "utf8").matchAll(/^export (.*)$/gm)].map(([, rest]) => {
      const [, name] =
        /^(?:abstract |async )?(?:class|const|enum|function\*?|interface|type) (\w+)/.exec(rest!) ??
        [];
      if (!name) throw new Error(`${file}: what does this export? ${rest}`);
      return [name, file] as const;
    }),
  );
  expect(shared(exported)).toEqual([]);
});

/** A command has the name that the operator types, and a mutation that of the operation it calls. */
const NAMED_FOR_WHAT_IT_CALLS = /^(commands\/|resolvers\/\w+\/)/;

it("has files of one name in one room alone", () => {
  const named = files.filter((file) => !NAMED_FOR_WHAT_IT_CALLS.test(file));
  expect(shared(named.map((file) => [basename(file), file]))).toEqual([]);
});
