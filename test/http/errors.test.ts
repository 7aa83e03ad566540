import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useDatabase } from "../support/database";
import { type ErrorShown, serve, type Served } from "../support/http";

let server: Served;
beforeAll(async () => {
  await useDatabase();
  server = await serve({ requestMs: 600 });
});

const page = readFileSync(join(__dirname, "../../docs/errors.md"), "utf8");
const told = (code: string) =>
  new RegExp(`^### \`${code}\` \\(([\\d, ]+)\\)$`, "m").exec(page)![1]!.split(", ").map(Number);

const json = { "content-type": "application/json" };
const post = (
  body: string | ReadableStream,
  headers: Record<string, string> = json,
): RequestInit => ({
  method: "POST",
  body,
  headers,
});
/** Begins a body, and never ends it. */
const endless = () =>
  new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode("{")) });

it.each<[code: string, requests: [path: string, init?: RequestInit][]]>([
  [
    "BAD_REQUEST",
    [
      ["/%zz"],
      ["/graphql", post("{}")],
      ["/graphql", { method: "PUT" }],
      ["/graphql", post(`{"query": "{ __typename }"}`, { ...json, accept: "text/csv" })],
      ["/graphql", { ...post(endless()), duplex: "half" }],
      [`/graphql/explorer/${"a".repeat(200)}`],
      ["/graphql", { headers: { "user-agent": "x".repeat(20_000) } }],
    ],
  ],
  [
    "BAD_USER_INPUT",
    [
      ["/graphql", post("no JSON")],
      ["/graphql", post(`"${"x".repeat(100 * 1024)}"`)],
      ["/graphql", post("{}", { "content-type": "text/plain" })],
      ["/graphql", post("{}", { ...json, "content-encoding": "gzip" })],
    ],
  ],
])("Bad input: docs/errors.md has every status that %s comes with", async (code, requests) => {
  const statuses = new Set<number>();
  for (const [path, init] of requests) {
    const response = await server.fetch(path, init);
    const { errors } = (await response.json()) as { errors: ErrorShown[] };
    expect(errors.map(({ extensions }) => extensions?.code)).toEqual([code]);
    statuses.add(response.status);
  }
  expect([...statuses].sort()).toEqual(told(code));
});
