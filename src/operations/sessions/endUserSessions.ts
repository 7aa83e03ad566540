import type { Context } from "../../context/context";
import type { Session } from "../../entities/Session";
import { User } from "../../entities/User";
import { endSessions } from "../steps/endSessions";
import { findUser } from "../steps/findUser";
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
  const { id } = await findUser(ctx, input.email);
  return ctx.self.transaction(async (tx) => {
    const user = await tx.lock(User, id);
    tx.tell({ reason });
    return { user, sessions: await endSessions(tx, null, id) };
  });
}
