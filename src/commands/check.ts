import { check } from "../setup/check";
import { withStops } from "./asOperator";
import { command } from "./command";

export const checkCommand = command({
  does: "checks the configuration and what a server needs, and changes nothing",
  run: (_, terminal) =>
    withStops(terminal, async (stops) =>
      (await check(terminal.env, stops, terminal.say)) ? 0 : 1,
    ),
});
