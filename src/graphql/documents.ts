import type { DocumentNode } from "graphql";
import { LRUCache } from "lru-cache";

/**
 * The limit of the cache, in characters of all documents. A parsed document has about 90 bytes for each
 * character. Apollo's own store measures documents as JSON, which takes longer and lets it grow larger.
 */
const MOST = 1_000_000;

/** The cache of validated documents, as Apollo takes one. */
export function documentStore() {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MOST,
    sizeCalculation: ({ loc }) => loc!.end,
  });
  return {
    get: (key: string) => Promise.resolve(documents.get(key)),
    set: (key: string, document: DocumentNode) =>
      Promise.resolve(void documents.set(key, document)),
    delete: (key: string) => Promise.resolve(documents.delete(key)),
  };
}
