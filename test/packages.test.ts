import { readFileSync } from "node:fs";
import { join } from "node:path";

const read = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, "..", name), "utf8")) as Record<string, object>;

interface Package {
  hasInstallScript?: boolean;
}

it("lets no package run a script of its own when it is installed, and says so of each", () => {
  const packages = Object.entries(read("package-lock.json")["packages"] as Record<string, Package>);
  const withScript = packages
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => [path.split("node_modules/").at(-1), false]);
  expect(withScript.length).toBeGreaterThan(0);
  expect(read("package.json")["allowScripts"]).toEqual(Object.fromEntries(withScript));
});
