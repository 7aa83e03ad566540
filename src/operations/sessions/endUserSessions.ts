import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import type { User } from "../../entities/User";
import { emailFrom } from "../steps/emailFrom";
import { endSessions } from "../steps/endSessions";
import { lockNamed } from "../steps/lockNamed";
import { reasonFrom } from "../steps/reasonFrom";

/**
 * Ends all of a person's sessions, for the operator: nobody gets in with them from this commit on
 * (U9). API keys go on working.
 *
 * @throws Refused (BAD_USER_INPUT) for an unknown email or a reason that can't be kept.
 */
export async function endUserSessions(
  ctx: Context,
  input: { email: string; reason: string },
): Promise<{ user: User; sessions: Session[] }> {
  const reason = reasonFrom(input.reason);
  const email = emailFrom(input.email, ["email"]);
  return ctx.self.transaction(async (tx) => {
    const user = await lockNamed(tx, email);
    tx.tell({ reason });
    return { user, sessions: await endSessions(tx, null, user.id) };
  });
}
