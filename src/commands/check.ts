import { check as verify } from "../setup/check";
import { withStops } from "./asOperator";
import { command } from "./command";

export const check = command({
  does: "verifies the configuration, and changes nothing",
  run: (_, terminal) =>
    withStops(terminal, async (stops) =>
      (await verify(terminal.env, stops, terminal.say)) ? 0 : 1,
    ),
});
