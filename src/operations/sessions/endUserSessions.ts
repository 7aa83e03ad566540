import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import type { User } from "../../entities/User";
import { emailFrom } from "../steps/emailFrom";
import { endSessions } from "../steps/endSessions";
import { lockNamed } from "../steps/lockNamed";
import { reasonFrom } from "../steps/reasonFrom";

/**
 * Ends all sessions of a user, for the operator: from this commit on they open nothing (U9). API keys
 * still work.
 *
 * @throws Refused (BAD_USER_INPUT) for an unknown email or an unusable reason.
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
