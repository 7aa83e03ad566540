import { Refusal, Refused } from "../errors";
import { resetMfa } from "../operations/authenticators/resetMfa";
import { asOperator } from "./asOperator";
import { command } from "./command";

export const resetMfaCommand = command({
  does: "turns off the second factor of a user",
  needs: { email: "EMAIL", reason: "TEXT" },
  run: (input, terminal) =>
    asOperator(terminal, async (ctx) => {
      try {
        const { user, members } = await resetMfa(ctx, input);
        const { length } = members;
        terminal.say(
          `Reset the second factor of ${user.email}: signing in takes no code now. ` +
            `It is an event of the user and of ${length} account${length === 1 ? "" : "s"}, and the user gets a mail.`,
        );
      } catch (error) {
        // There is no second factor, so the command's purpose is fulfilled.
        if (!(error instanceof Refused && error.code === Refusal.CONFLICT)) throw error;
        terminal.say(error.message);
      }
    }),
});
