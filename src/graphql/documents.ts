import type { DocumentNode } from "graphql";
import { Lru } from "../reads/lru";

/**
 * Characters of all documents that are kept: parsed, each takes some 90 bytes. Apollo's own store
 * weighs them as JSON, which takes longer and lets it grow larger.
 */
const MOST = 1_000_000;

/** Validated documents, as Apollo keeps them. */
export function documentStore() {
  const documents = new Lru<DocumentNode>(MOST);
  return {
    get: (key: string) => Promise.resolve(documents.get(key)),
    set: (key: string, document: DocumentNode) =>
      Promise.resolve(documents.set(key, document, document.loc!.end)),
    delete: (key: string) => Promise.resolve(documents.delete(key)),
  };
}
