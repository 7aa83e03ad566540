import type { DocumentNode } from "graphql";
import { Lru } from "../reads/lru";

/**
 * The limit of the cache, in characters of all documents. A parsed document has about 90 bytes for each
 * character. Apollo's own store measures documents as JSON, which takes longer and lets it grow larger.
 */
const MOST = 1_000_000;

/** The cache of validated documents, as Apollo takes one. */
export function documentStore() {
  const documents = new Lru<DocumentNode>(MOST);
  return {
    get: (key: string) => Promise.resolve(documents.get(key)),
    set: (key: string, document: DocumentNode) =>
      Promise.resolve(documents.set(key, document, document.loc!.end)),
    delete: (key: string) => Promise.resolve(documents.delete(key)),
  };
}
