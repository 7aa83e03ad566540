import { readFileSync, writeFileSync } from "node:fs";
import { verbs } from "./support/calls";
import { PROOFS, proofsTable, verbsThat } from "./support/proofs";

const FILE = "docs/proofs.md";
const all = verbs();

it("finds the verbs and what they do, steps included", () => {
  expect(all.size).toBeGreaterThan(40);
  expect([...all.get("disableTotp")!]).toEqual(
    expect.arrayContaining([".requireFresh()", "useCode()", "totpStep()"]),
  );
});

it.each(PROOFS.flatMap(({ name, asks, gives }) => [...asks, ...gives].map((mark) => [mark, name])))(
  "knows %s, by which it tells who asks for or gives the proof: %s",
  (mark) => {
    expect([...all.values()].some((marks) => marks.has(mark))).toBe(true);
  },
);

it.each(PROOFS)(
  "U11, T4, U8: whatever gives what is taken for a proof asks for the same, or says why not: $name",
  (proof) => {
    const asking = verbsThat("asks", proof, all);
    const beside = verbsThat("gives", proof, all).filter((verb) => !asking.includes(verb));
    expect(beside).toEqual(Object.keys(proof.without));
  },
);

it("docs/proofs.md is what the verbs do (`UPDATE=1 npx jest test/proofs` writes it)", () => {
  if (process.env["UPDATE"]) writeFileSync(FILE, proofsTable());
  expect(readFileSync(FILE, "utf8")).toBe(proofsTable());
});
