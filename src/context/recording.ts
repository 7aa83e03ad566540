import {
  type Changes,
  Event,
  type EventType,
  type RecordedDecision,
  UserEvent,
} from "../entities/Event";
import { namesHeld, type Roles } from "../entities/roles";
import { newId } from "../ids";
import type { Principal, Request } from "../principal";

/** What an event tells besides who caused it, and by which request. */
export interface Happening {
  type: EventType;
  occurredAt: Date;
  stream: { accountId: string } | { userId: string };
  objectId: string;
  object: Record<string, unknown>;
  changes: Changes;
  decision: Omit<RecordedDecision, "roles" | "methods" | "authenticatedAt"> & {
    roles: Roles | null;
  };
}

/** The event of this happening, as the principal caused it with this request. */
export function eventBy(
  principal: Principal,
  request: Request,
  { stream, decision: { roles, ...decision }, ...happening }: Happening,
): Event | UserEvent {
  const event = "accountId" in stream ? new Event() : new UserEvent();
  return Object.assign(event, stream, happening, {
    id: newId("Event"),
    principalKind: principal.kind,
    principalId: principal.id,
    principalSubject: principal.subject,
    surface: principal.surface,
    credentialId: principal.credentialId,
    sessionId: principal.sessionId,
    decision: {
      ...decision,
      roles: roles ? namesHeld(roles) : [],
      methods: principal.methods,
      authenticatedAt: principal.authenticatedAt,
    } satisfies RecordedDecision,
    ip: request.ip,
    userAgent: request.userAgent,
    requestId: request.id,
  });
}
