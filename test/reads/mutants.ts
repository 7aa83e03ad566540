import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Plants bugs in the compiler, one at a time, and sees that the tests notice each:
 *
 *     npm run test:mutants
 *
 * A bug that nobody notices is a hole in the tests; ends with 1 then.
 */
const MUTANTS: [what: string, file: string, from: string, to: string][] = [
  [
    "a page is one too long",
    "words.ts",
    "limit ${first}${raw(peeks",
    "limit ${first} + 1${raw(peeks",
  ],
  ["more follow, always", "words.ts", "count(*) > ${first}", "count(*) >= ${first}"],
  [
    "the other order",
    "words.ts",
    'newest ? "row.id desc" : "row.id"',
    'newest ? "row.id" : "row.id desc"',
  ],
  ["the cursor's other side", "words.ts", 'newest ? "<" : ">"', 'newest ? ">" : "<"'],
  ["the cursor itself again", "words.ts", 'newest ? "<" : ">"', 'newest ? "<=" : ">="'],
  ["no filter", "words.ts", "compiler.filter(place),", ""],
  [
    "no rule for pages",
    "words.ts",
    "own ? readableOwn(compiler, inner) : readable(compiler, inner),",
    "",
  ],
  [
    "no rule by id",
    "words.ts",
    "= any(${CALLER.open})`, readable(compiler, row)]",
    "= any(${CALLER.open})`]",
  ],
  [
    "any account by id",
    "words.ts",
    "sql`${accountOf(compiler, row)} = any(${CALLER.open})`, readable",
    "readable",
  ],
  ["whatever holds, left out", "words.ts", "        only,\n", ""],
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
  ["what is gone", "words.ts", "const gone = unless ?", "const gone = !unless ?"],
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
    "row.ended_at is null and row.expires_at > now()",
    "row.expires_at > now()",
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
  ["no filter on credentials", "relations.ts", "{ where: credentialsWhere }", "{}"],
  ["a filter's text forgotten", "words.ts", ' ${asked?.text ?? ""}`', "`"],
];

const root = join(__dirname, "../..");
const missed: string[] = [];
for (const [what, file, from, to] of MUTANTS) {
  const copy = mkdtempSync(join(tmpdir(), "gatehouse-mutant-"));
  try {
    for (const part of [
      "src",
      "test",
      "migrations",
      "bench",
      "package.json",
      "jest.config.js",
      "tsconfig.json",
    ]) {
      cpSync(join(root, part), join(copy, part), {
        recursive: true,
        filter: (path) => basename(path) !== "node_modules",
      });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const path = join(copy, "src/reads", file);
    const text = readFileSync(path, "utf8");
    if (!text.includes(from)) throw new Error(`${file} no longer says: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    const { status } = spawnSync("npx", ["jest", "test/reads", "test/resolvers", "--silent"], {
      cwd: copy,
      env: { ...process.env, DIFFERENTIAL_COUNT: "600" },
    });
    process.stdout.write(`${status ? "noticed" : "MISSED "}  ${what}\n`);
    if (!status) missed.push(what);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
process.exitCode = missed.length ? 1 : 0;
