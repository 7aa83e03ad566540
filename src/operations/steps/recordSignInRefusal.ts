import type { Context } from "../../context/context";
import { recordRefusal } from "../../context/recording";
import type { EventType } from "../../entities/Event";
import type { Principal } from "../../principal";

/** Of a sign-in that was refused. */
export const NO_SESSION = { action: "create Session", allowed: false, rule: null, roles: null };

export function recordSignInRefusal(
  { db, request }: Context,
  who: Principal,
  type: EventType,
  decision: typeof NO_SESSION & { code: string },
): Promise<void> {
  const { id: userId, sessionId } = who;
  const refusal = { type, stream: { userId }, objectId: sessionId ?? userId, decision };
  return recordRefusal(db, who, request, refusal);
}
