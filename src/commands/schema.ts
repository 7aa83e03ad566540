import { command } from "./command";

export const schemaCommand = command({
  does: "prints the GraphQL schema",
  async run(_, { say }) {
    // Loaded here, as it takes a second and other commands do not need it.
    const { printedSchema } = await import("../graphql/schema.js");
    say(printedSchema().replace(/\n$/, ""));
  },
});
