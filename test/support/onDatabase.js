const { readFileSync } = require("node:fs");

/**
 * For jest's `--filter`, on a second PostgreSQL: leaves out the tests that ask none, such as those of
 * the embedded server's own start, which would do the same again. A test comes to a database by
 * test/support/database.ts, or by what globalSetup tells it.
 */
module.exports = (paths) => ({
  filtered: paths.filter((path) =>
    /support\/database"|GATEHOUSE_TEST_/.test(readFileSync(path, "utf8")),
  ),
});
