import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse, validate } from "graphql";
import { schema } from "../src/graphql/schema";
import { useDatabase } from "./support/database";
import { begin, build, directory, ending } from "./support/programs";

// Every page with requests is pasted into a shell, from top to bottom, beside a server that was started
// as the README says.
jest.setTimeout(180_000);
const root = join(__dirname, "..");

/** What no test pastes, and why. */
const NOT_PASTED: Record<string, string> = {
  "npm ci && npm start": "The test starts it so, but for `npm ci`.",
  "npm ci && npm test": "It runs this.",
  "npm ci && npm test     # all tests, on an embedded PostgreSQL that the tests start":
    "Commands to choose from.",
  "npm ci && npm run build && npm prune --omit=dev": "It would remove what tests need.",
  "npm run bench                                  # --rounds 7 --seconds 2 --works nested,can,events,…":
    "It measures for minutes.",
  "npm run bench:scale     # --members 1000000 --events 5000000": "It measures for minutes.",
  "bench/peers/run.sh --rounds 5     # installs them in bench/peers alone, from its own lock file":
    "It measures for minutes.",
};

interface Fence {
  language: string;
  text: string;
}

function fencesOf(page: string): Fence[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, body]) => ({
    language: language!,
    text: body!,
  }));
}

const pages = [
  ...["README.md", "CONTRIBUTING.md"],
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].filter((page) => fencesOf(page).some(({ language }) => language === "sh"));

const isPasted = ({ language, text }: Fence) =>
  language === "sh" && !(text.split("\n")[0]! in NOT_PASTED);

let port: number;
let stop: () => Promise<unknown>;

beforeAll(async () => {
  await useDatabase();
  await build();
  const socket = createServer().listen(0, "127.0.0.1");
  await once(socket, "listening");
  ({ port } = socket.address() as AddressInfo);
  socket.close();
  await once(socket, "close");
  await mkdir(join(directory, ".gatehouse"), { recursive: true });
  await symlink(join(root, "node_modules"), join(directory, "node_modules"));
  const server = begin("main", [], {
    PORT: String(port),
    GATEHOUSE_DEMO: "true",
    GATEHOUSE_DATA_DIRECTORY: join(directory, ".gatehouse"),
  });
  const ended = ending(server);
  stop = () => {
    server.kill("SIGTERM");
    return ended;
  };
  const demo = join(directory, ".gatehouse", "demo.json");
  const isReady = () =>
    fetch(`http://localhost:${port}/readyz`).then(
      ({ ok }) => ok && existsSync(demo),
      () => false,
    );
  while (!(await isReady())) await new Promise((soon) => setTimeout(soon, 50));
});
afterAll(() => stop());

/** What each request of a page prints, asked one after another in one shell. */
async function paste(fences: Fence[]): Promise<string[]> {
  const script = fences
    .map(
      ({ text }) =>
        `${text.replaceAll("localhost:4000", `localhost:${port}`)}\nprintf '\\n\\036\\n'`,
    )
    .join("\n");
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-u", "-c", script], {
    cwd: directory,
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stderr).toBe("");
  return stdout.split("\n\u001e\n").slice(0, -1);
}

/** Whether an answer is what the page says, but for what is made anew each time. */
function differences(said: unknown, told: unknown, path = "answer"): string[] {
  if (typeof said === "string" && typeof told === "string") {
    const isMadeAnew = /…|^[a-z]{2,3}_[0-9a-z]{26}$|^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(said);
    return said === told || isMadeAnew ? [] : [`${path}: ${told}, and not ${said}`];
  }
  if (typeof said !== "object" || said === null || typeof told !== "object" || told === null) {
    return said === told
      ? []
      : [`${path}: ${JSON.stringify(told)}, and not ${JSON.stringify(said)}`];
  }
  const names = new Set([...Object.keys(said), ...Object.keys(told)]);
  // What the query cost, and where an error is in its text.
  for (const name of ["extensions", "locations"]) if (!(name in said)) names.delete(name);
  return [...names].flatMap((name) =>
    differences(Reflect.get(said, name), Reflect.get(told, name), `${path}.${name}`),
  );
}

it("has something to paste on three pages and more, and knows all that it doesn't", () => {
  expect(pages.filter((page) => fencesOf(page).some(isPasted))).toEqual(
    expect.arrayContaining(["README.md", "docs/exporting-events.md", "docs/signing-in.md"]),
  );
  const first = pages.flatMap(fencesOf).map(({ text }) => text.split("\n")[0]!);
  expect(Object.keys(NOT_PASTED).filter((line) => !first.includes(line))).toEqual([]);
});

it.each(pages.filter((page) => fencesOf(page).some(isPasted)))("%s can be pasted", async (page) => {
  const fences = fencesOf(page);
  const outputs = await paste(fences.filter(isPasted));
  const shown = new Map(fences.filter(isPasted).map((fence, i) => [fence, outputs[i]!]));
  const wrong = fences.flatMap((fence, i) => {
    if (fence.language !== "json") return [];
    const before = fences[i - 1];
    const output = before && shown.get(before);
    if (output === undefined) return [`What answers this? ${fence.text}`];
    const said = JSON.parse(fence.text) as object;
    const told = JSON.parse(output.trim().split("\n").at(-1)!) as { data?: unknown };
    return differences(said, "data" in said || "errors" in said ? told : told.data);
  });
  expect(wrong).toEqual([]);
});

it("shows no GraphQL that the schema doesn't have", () => {
  const wrong = pages
    .flatMap(fencesOf)
    .filter(({ language }) => language === "graphql")
    .flatMap(({ text }) => validate(schema, parse(text)).map(String));
  expect(wrong).toEqual([]);
});
