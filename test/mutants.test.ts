import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MUTANTS as context } from "./context/mutants";
import { MUTANTS as reads } from "./reads/mutants";

it("finds the place of each bug that `npm run test:mutants` plants", () => {
  const lost = [...context, ...reads].filter(
    ({ file, find }) => !readFileSync(join(__dirname, "../src", file), "utf8").includes(find),
  );
  expect(lost.map(({ file, what }) => `${file}: ${what}`)).toEqual([]);
});
