import type { Context } from "../../context/context";
import { recordRefusal } from "../../context/refusals";
import type { EventType, RecordedDecision } from "../../entities/Event";
import type { Principal } from "../../principal";

/** The decision of a refused sign-in: no session was created. */
export const NO_SESSION: RefusedDecision = {
  action: "create",
  subject: { type: "Session", id: null },
  ...{ allowed: false, rule: null, roles: null },
};

type RefusedDecision = Pick<RecordedDecision, "action" | "subject" | "allowed"> & {
  rule: null;
  roles: null;
};

export function recordSignInRefusal(
  { db, request }: Context,
  who: Principal,
  type: EventType,
  decision: RefusedDecision & { code: string },
): Promise<boolean> {
  const { id: userId, sessionId } = who;
  const refusal = { type, stream: { userId }, objectId: sessionId ?? userId, decision };
  return recordRefusal(db, who, request, refusal);
}
