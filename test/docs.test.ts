import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(__dirname, "..");
const FOLDERS = ["src", "test", "bench", "docs", "migrations"];

const filesIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter(
    (path) => !path.includes("node_modules"),
  );
const foldersIn = (folder: string) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

/** A path begins at the root or in `src`. */
const STARTS = new Set([...FOLDERS, ...foldersIn("src")]);
const NAMES = new Set(FOLDERS.flatMap(filesIn).map((path) => basename(path)));

/** Invented, to show how something is done. */
const EXAMPLES = new Set(["operations/noun/verbNoun.ts", "entities/Tag.ts", "policies/tag.ts"]);

const pages = [
  ...["README.md", "CONTRIBUTING.md"],
  ...filesIn("docs")
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

it.each(pages)("%s names files that are there", (page) => {
  const quoted = readFileSync(join(root, page), "utf8").matchAll(/`([\w.-]+(?:\/[\w.-]+)*\/?)`/g);
  const isThere = (path: string) =>
    path.includes("/")
      ? ["", "src"].some((start) => existsSync(join(root, start, path)))
      : NAMES.has(path);
  const missing = [...quoted]
    .map(([, path]) => path!)
    .filter((path) => (path.includes("/") ? STARTS.has(path.split("/")[0]!) : path.endsWith(".ts")))
    .filter((path) => !EXAMPLES.has(path) && !isThere(path));
  expect(missing).toEqual([]);
});
