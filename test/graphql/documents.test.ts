import { type DocumentNode, parse } from "graphql";
import { documentStore } from "../../src/graphql/documents";

/** A document of so many characters. */
const documentOf = (characters: number): DocumentNode =>
  parse("{ __typename }".padEnd(characters, "#"));

it("Bad input: keeps a million characters of documents, and of those the ones in use", async () => {
  const store = documentStore();
  const keys = Array.from({ length: 30 }, (_, i) => `document ${i}`);
  for (const key of keys) {
    await store.set(key, documentOf(100_000));
    expect(await store.get(keys[0]!)).toBeDefined();
  }
  const kept = await Promise.all(keys.map((key) => store.get(key)));
  expect(kept.flatMap((one, i) => (one ? [keys[i]] : []))).toEqual([keys[0], ...keys.slice(-9)]);
});
