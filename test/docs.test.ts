import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ApolloServerErrorCode } from "@apollo/server/errors";
import { STATUS } from "../src/errors";

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

/** What Apollo answers by itself, but for what only a server with persisted queries says. */
const APOLLO = Object.values(ApolloServerErrorCode).filter(
  (code) => code !== ApolloServerErrorCode.PERSISTED_QUERY_NOT_FOUND,
);

it("docs/errors.md has every code that is answered, with its status, and no other", () => {
  const page = readFileSync(join(root, "docs/errors.md"), "utf8");
  const told = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) =>
    heading!.replace(/,.*/, ")"),
  );
  const answered = { ...Object.fromEntries(APOLLO.map((code) => [code, 400])), ...STATUS };
  const headings = Object.entries(answered).map(([code, status]) => `\`${code}\` (${status})`);
  expect(told.sort()).toEqual(headings.sort());
});

it("src writes no code of an error that docs/errors.md is not compared with", () => {
  const known: string[] = [...Object.keys(STATUS), ...APOLLO];
  const written = filesIn("src")
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => [
      ...readFileSync(join(root, "src", path), "utf8").matchAll(/\bcode: "([A-Z_]+)"/g),
    ])
    .map(([, code]) => code!);
  expect(written).toEqual(expect.arrayContaining(["BAD_USER_INPUT", "QUERY_TOO_COMPLEX"]));
  expect(written.filter((code) => !known.includes(code))).toEqual([]);
});
