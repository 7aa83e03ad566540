import { command } from "./command";

export const schemaCommand = command({
  does: "prints the GraphQL schema",
  async run(_, { say }) {
    // The other commands do without it, and it takes a second to load.
    const { printedSchema } = await import("../graphql/schema.js");
    say(printedSchema().replace(/\n$/, ""));
  },
});
