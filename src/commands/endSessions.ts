import { endUserSessions } from "../operations/sessions/endUserSessions";
import { asOperator } from "./asOperator";
import { command } from "./command";

export const endSessionsCommand = command({
  does: "ends all sessions of a user",
  needs: { email: "EMAIL", reason: "TEXT" },
  async run(input, terminal) {
    const { user, sessions } = await asOperator(terminal, (ctx) => endUserSessions(ctx, input));
    const { length } = sessions;
    terminal.say(
      length
        ? `Ended ${length === 1 ? "the session" : `all ${length} sessions`} of ${user.email}. Their API keys still work.`
        : `${user.email} has no open session. Nothing was changed.`,
    );
  },
});
