import type { Database } from "../database/database";
import { sql } from "../database/sql";
import {
  type Changes,
  Event,
  type EventType,
  PrincipalKind,
  type RecordedDecision,
  UserEvent,
} from "../entities/Event";
import { namesHeld, type Roles } from "../entities/roles";
import type { Forbidden } from "../errors";
import { newId } from "../ids";
import type { Principal, Request, Standing } from "../principal";

interface Happening {
  type: EventType;
  occurredAt: Date;
  stream: { accountId: string } | { userId: string };
  objectId: string;
  object: Record<string, unknown>;
  changes: Changes;
  decision: Pick<RecordedDecision, "action" | "subject" | "allowed" | "rule" | "code" | "count"> & {
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

/** Refusals of one kind by one principal become an event at most this often (E1). */
const QUIET_MS = 60_000;

/**
 * Counts a refusal, and writes an event where the last one is long enough ago. The event's
 * `decision.count` says how many refusals it stands for, itself and the unrecorded ones before.
 */
export async function recordRefusal(
  db: Database,
  principal: Principal,
  request: Request,
  refusal: Omit<Happening, "occurredAt" | "changes" | "object"> & { object?: Happening["object"] },
): Promise<void> {
  const now = new Date();
  const { stream, decision, type } = refusal;
  const streamId = "accountId" in stream ? stream.accountId : stream.userId;
  const { action, subject, code = "" } = decision;
  const what = `${type} ${action} ${subject.type} ${code}`;
  await db.transaction(async (connection) => {
    const [counted] = await connection.query<{ count: number; due: boolean }>(sql`
      insert into refusals as r (stream_id, principal_id, what, recorded_at, unrecorded, recorded)
      values (${streamId}, ${principal.id}, ${what}, ${now}, 0, 1)
      on conflict (stream_id, principal_id, what) do update set
        recorded_at = case when r.recorded_at <= ${new Date(now.getTime() - QUIET_MS)}
          then excluded.recorded_at else r.recorded_at end,
        recorded = case when r.recorded_at <= ${new Date(now.getTime() - QUIET_MS)}
          then r.unrecorded + 1 else r.recorded end,
        unrecorded = case when r.recorded_at <= ${new Date(now.getTime() - QUIET_MS)}
          then 0 else r.unrecorded + 1 end
      returning recorded as count, unrecorded = 0 as due`);
    if (!counted?.due) return;
    const event = eventBy(principal, request, {
      object: {},
      ...refusal,
      occurredAt: now,
      changes: {},
      decision: { ...decision, count: counted.count },
    });
    const table = "accountId" in stream ? db.table(Event) : db.table(UserEvent);
    await connection.query(table.insertion([event as never]));
  });
}

/** What a denial leaves behind: in the account (a service user's own at least), or with the user. */
export function denialOf(principal: Principal, standing: Standing | null, error: Forbidden) {
  const { decision, code } = error;
  const accountId =
    standing?.accountId ??
    (principal.kind === PrincipalKind.SERVICE_USER ? principal.accountId : null);
  const stream = accountId ? { accountId } : { userId: principal.id };
  return {
    type: "action_refused.v1" as const,
    stream,
    objectId: decision?.subject.id ?? standing?.accountId ?? principal.id,
    object: decision ? { type: decision.subject.type } : {},
    decision: {
      action: decision?.action ?? "enter",
      subject: decision?.subject ?? { type: "Account", id: accountId },
      allowed: false,
      rule: decision?.rule ?? null,
      code,
      roles: standing?.roles ?? null,
    },
  };
}
