import js from "@eslint/js";
import graphql from "@graphql-eslint/eslint-plugin";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist", "node_modules", ".gatehouse", "coverage"] },
  {
    files: ["**/*.ts", "**/*.js", "**/*.mjs"],
    extends: [js.configs.recommended, ...tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // Decorated members are assigned by TypeORM and TypeGraphQL.
      "@typescript-eslint/no-extraneous-class": "off",
      // Shorthand handlers that must be async to satisfy an interface.
      "@typescript-eslint/require-await": "off",
      eqeqeq: ["error", "always", { null: "ignore" }],
    },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { module: "writable", require: "readonly", process: "readonly" } },
    // What jest loads as it is.
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  {
    files: ["schema.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      "@graphql-eslint/relay-arguments": "error",
      "@graphql-eslint/relay-connection-types": "error",
      "@graphql-eslint/relay-edge-types": [
        "error",
        {
          // Connections have `nodes` too, and what has a cap is a plain list (test/graphql/schema.test.ts).
          listTypeCanWrapOnlyEdgeType: false,
          // `ViewerMembership` is shown where its member may not be read: test/graphql/schema.test.ts names it.
          shouldImplementNode: false,
        },
      ],
      "@graphql-eslint/relay-page-info": "error",
    },
  },
);
