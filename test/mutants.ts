import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { MUTANTS as context } from "./context/mutants";
import type { Mutant } from "./support/mutant";
import { MUTANTS as reads } from "./reads/mutants";

/**
 * Plants bugs in a copy of the source, one at a time, and sees that the tests notice each:
 *
 *     npm run test:mutants              # all of them
 *     npm run test:mutants -- forbid    # those whose name or file has this in it
 *
 * A bug that no test notices is a hole in the tests; ends with 1 then.
 */
const [wanted = ""] = process.argv.slice(2);
const mutants: Mutant[] = [...context, ...reads].filter(({ what, file }) =>
  `${file}: ${what}`.includes(wanted),
);
const root = join(__dirname, "..");
const copy = mkdtempSync(join(tmpdir(), "gatehouse-mutants-"));
const missed: Mutant[] = [];
try {
  for (const part of [
    ...["src", "test", "migrations", "bench", "docs"],
    ...["package.json", "jest.config.js", "tsconfig.json", "schema.graphql", "README.md"],
  ]) {
    const filter = (path: string) => basename(path) !== "node_modules";
    cpSync(join(root, part), join(copy, part), { recursive: true, filter });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const run = (tests: readonly string[]) =>
    spawnSync("npx", ["jest", ...tests, "--silent", "--bail"], {
      cwd: copy,
      env: { ...process.env, DIFFERENTIAL_COUNT: "600" },
    }).status === 0;
  // What fails without a bug notices none.
  if (!run([...new Set(mutants.flatMap(({ tests }) => tests))])) {
    throw new Error("The tests fail as it is: mend them first");
  }
  for (const mutant of mutants) {
    const { what, file, find, replace, tests } = mutant;
    const path = join(copy, "src", file);
    const text = readFileSync(path, "utf8");
    if (!text.includes(find)) throw new Error(`${file} no longer says: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    const noticed = !run(tests);
    writeFileSync(path, text);
    process.stdout.write(`${noticed ? "noticed" : "MISSED "}  ${file}: ${what}\n`);
    if (!noticed) missed.push(mutant);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.stdout.write(`${mutants.length - missed.length} of ${mutants.length} noticed\n`);
process.exitCode = missed.length ? 1 : 0;
