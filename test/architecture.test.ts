import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const src = join(__dirname, "../src");

/** Rooms that a room may not reach into: everything flows surface → operations → policies → entities. */
const SURFACES = ["resolvers", "exports"];
const OFF_LIMITS: Record<string, string[]> = {
  entities: ["policies", "operations", "identity", "database", ...SURFACES],
  policies: ["operations", "identity", ...SURFACES],
  identity: ["policies", "operations", ...SURFACES],
  database: ["policies", "operations", "identity", ...SURFACES],
  operations: ["policies", ...SURFACES],
};
/** Operations share steps, never each other: one call, one transaction. */
const SHARED = "operations/invariants";

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

it("has files to look at", () => expect(files.length).toBeGreaterThan(50));

it.each(files)("%s stays out of rooms it has no business in", (file) => {
  const room = file.split("/")[0]!;
  const text = readFileSync(join(src, file), "utf8");
  const reached = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path]) =>
    relative(src, join(src, dirname(file), path!)),
  );
  const rooms = reached.map((path) => path.split("/")[0]!);
  expect(rooms.filter((other) => OFF_LIMITS[room]?.includes(other))).toEqual([]);
  if (room === "operations") {
    const siblings = reached.filter((path) => path.startsWith("operations/"));
    expect(siblings.filter((path) => path !== SHARED)).toEqual([]);
  }
});
