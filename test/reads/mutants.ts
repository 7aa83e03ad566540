import { join } from "node:path";
import type { Mutant } from "../support/mutant";

/** Bugs in the compiler of reads. */
const PLANTED: [what: string, file: string, find: string, replace: string][] = [
  [
    "a page is one too long",
    "relationKinds.ts",
    "sql`${size}${raw(peeks",
    "sql`${size} + 1${raw(peeks",
  ],
  ["more follow, always", "relationKinds.ts", "count(*) > ${size}", "count(*) >= ${size}"],
  [
    "the other order",
    "relationKinds.ts",
    'descending ? "row.id desc" : "row.id"',
    'descending ? "row.id" : "row.id desc"',
  ],
  [
    "the last rows, counted from the beginning",
    "../database/firstRows.ts",
    "descending: descending !== backward",
    "descending",
  ],
  [
    "the last rows, the very last first",
    "relationKinds.ts",
    "` order by ${by(newest)}`",
    'raw("")',
  ],
  [
    "what is beyond the other end",
    "relationKinds.ts",
    "backward ? before : after",
    "backward ? after : before",
  ],
  [
    "the other cursor",
    "relationKinds.ts",
    '(name === "startCursor") !== newest',
    '(name === "startCursor") === newest',
  ],
  [
    "the plan of another end",
    "relationKinds.ts",
    '["last", "after", "before"]',
    '["after", "before"]',
  ],
  [
    "the cursor's other side",
    "../database/firstRows.ts",
    "above: [above, descending ? before : after]",
    "above: [above, descending ? after : before]",
  ],
  ["the cursor itself again", "../database/firstRows.ts", "row.id > ${id}", "row.id >= ${id}"],
  ["no filter", "relationKinds.ts", "compiler.filter(place),", ""],
  [
    "no rule for pages",
    "relationKinds.ts",
    "own ? readableOwn(compiler, inner) : readable(compiler, inner),",
    "",
  ],
  [
    "no rule by id",
    "relationKinds.ts",
    "= any(${CALLER.open})`, readable(compiler, row)]",
    "= any(${CALLER.open})`]",
  ],
  [
    "any account by id",
    "relationKinds.ts",
    "sql`${accountOf(compiler, row)} = any(${CALLER.open})`, readable",
    "readable",
  ],
  ["a yes or no as PostgreSQL has it", "compiler.ts", "${value}::text", "${value}"],
  ["whatever holds, left out", "relationKinds.ts", "        only,\n", ""],
  [
    "one group's rules for all",
    "rules.ts",
    "  return any(\n    tests.map",
    "  if (first) return first;\n  return any(\n    tests.map",
  ],
  ["another group's accounts", "rules.ts", "caller.groups[i]!", "caller.groups[0]!"],
  [
    "all that is one's own",
    "rules.ts",
    "return allowed(self, action, subject, column, given());",
    "return TRUE;",
  ],
  [
    "no membership is mine",
    "rules.ts",
    "return sql`any(${CALLER.membershipIds})`;",
    "return value;",
  ],
  ["another time zone", "compiler.ts", "to_char(${value}, ", "to_char(${value} + interval '1 h', "],
  ["no milliseconds", "compiler.ts", "SS.MS", 'SS."000"'],
  [
    "no escaping",
    "compiler.ts",
    'const bare = property === "id" ||',
    'const bare = property === "id" || property === "description" ||',
  ],
  ["kinds merged", "compiler.ts", "if (!concrete.by || ", "if (concrete.by || "],
  ["what is gone", "relationKinds.ts", "const gone = unless ?", "const gone = !unless ?"],
  ["the gate's word forgotten", "relations.ts", "truth(sql`${refusal} is null`)", '["true"]'],
  ["closed accounts shown", "relations.ts", "sql`${id} = any(${CALLER.open})`,", ""],
  [
    "skipped all the same",
    "reading.ts",
    'key += coerced[name] ? "1" : "0"',
    'key += coerced[name] ? "" : ""',
  ],
  // What resolvers follow too: only what is said apart from both notices.
  ["a member who left", "relations.ts", 'id: "inviterId" }, "removedAt")', 'id: "inviterId" })'],
  [
    "sessions that ended",
    "relations.ts",
    'only: sessionIsOpen("row")',
    "only: sql`row.expires_at > now()`",
  ],
  [
    "colleagues who left",
    "relations.ts",
    "and m.user_id = ${id} and m.removed_at is null",
    "and m.user_id = ${id}",
  ],
  [
    "another's credentials",
    "relations.ts",
    'inAccount("membershipId")',
    'inAccount("serviceUserId")',
  ],
  ["another permission", "relations.ts", 'disable: "disable"', 'disable: "enable"'],
  ["no filter on credentials", "relations.ts", "{ where: credentialsFilter }", "{}"],
  ["a filter's text forgotten", "relationKinds.ts", '${asked ? textOf(asked) : ""}', ""],
];

export const MUTANTS: Mutant[] = PLANTED.map(([what, file, find, replace]) => ({
  ...{ what, file: join("reads", file), find, replace },
  tests: ["test/reads", "test/resolvers"],
}));
