const { default: Sequencer } = require("@jest/test-sequencer");

/** What takes longest: last, it would keep one core busy and the others waiting. */
const LONGEST = ["reads/differential", "programs", "isolation", "http/timing", "embedded/embedded"];

/** The order of test files, which jest goes by their size or by how long they took last time. */
module.exports = class extends Sequencer {
  sort(tests) {
    const place = ({ path }) => {
      const at = LONGEST.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return super.sort(tests).sort((a, b) => place(a) - place(b));
  }
};
