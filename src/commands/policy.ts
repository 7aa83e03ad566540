import { policyTable } from "../policies/policyTable";
import { command } from "./command";

export const policyCommand = command({
  does: "prints the table of who may do what, as Markdown",
  run: (_, { say }) => say(policyTable().replace(/\n$/, "")),
});
