const { availableParallelism } = require("node:os");

/** Tests run against a real PostgreSQL that globalSetup starts (or TEST_DATABASE_URL names). */
module.exports = {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  setupFiles: ["reflect-metadata"],
  globalSetup: "<rootDir>/test/support/globalSetup.ts",
  globalTeardown: "<rootDir>/test/support/globalTeardown.ts",
  testSequencer: "<rootDir>/test/support/longestFirst.js",
  // Where there are two cores, jest would use one. (Three at a time slow down what goes by the clock.)
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // What test files leave behind adds up, and is searched by every collection of garbage.
  workerIdleMemoryLimit: "800MB",
  testTimeout: 30000,
  // ES modules, which Node imports and jest doesn't.
  transformIgnorePatterns: ["/node_modules/(?!(openid-client|oauth4webapi|jose)/)"],
  transform: {
    "/node_modules/.+\\.js$": ["@swc/jest", { module: { type: "commonjs" } }],
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: {
          target: "es2023",
          parser: { syntax: "typescript", decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: false,
            useDefineForClassFields: false,
          },
        },
        module: { type: "commonjs" },
      },
    ],
  },
};
