/** A bug to plant, and the tests that have to notice it (`npm run test:mutants`). */
export interface Mutant {
  what: string;
  /** Inside `src`. */
  file: string;
  find: string;
  replace: string;
  /** As jest takes them: parts of their paths. */
  tests: readonly string[];
}
