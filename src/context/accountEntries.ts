import { LRUCache } from "lru-cache";
import type { Database } from "../database/database";
import { sql } from "../database/sql";
import { Event } from "../entities/Event";
import { Unauthenticated } from "../errors";
import type { Principal, Request, Standing } from "../principal";
import { eventBy } from "./recording";

/** Beyond this the oldest are asked of the database again. */
const MOST_REMEMBERED = 50_000;

/**
 * Which session has entered which account: the first time is an event of the account (E5), on
 * disk before anything of the account is shown. The database knows all of them, a server those of late.
 */
export class AccountEntries {
  private readonly remembered = new LRUCache<string, true>({ max: MOST_REMEMBERED });

  /** Whether there is nothing to record, as far as this server knows; API keys enter nothing. */
  has({ sessionId }: Principal, accountId: string): boolean {
    return !sessionId || this.remembered.get(keyOf(sessionId, accountId)) !== undefined;
  }

  /**
   * Records it, unless it was: of requests at once, one is the first.
   *
   * @throws Unauthenticated for a session that has ended meanwhile: it enters nothing any more.
   */
  async record(
    db: Database,
    principal: Principal,
    request: Request,
    { accountId, roles }: Standing,
  ): Promise<void> {
    const { sessionId } = principal;
    if (!sessionId) return;
    const occurredAt = new Date();
    await db.transaction(async (connection) => {
      const first = await connection.query(sql`
        insert into entries (account_id, session_id, entered_at)
        select ${accountId}, id, ${occurredAt} from sessions
        where id = ${sessionId} and ended_at is null
        on conflict do nothing returning session_id`);
      if (!first.length) {
        const before = await connection.query(sql`
          select from entries where account_id = ${accountId} and session_id = ${sessionId}`);
        if (before.length) return;
        throw new Unauthenticated("This session has ended. Sign in again.");
      }
      const event = eventBy(principal, request, {
        ...{ type: "account_entered.v1", occurredAt, stream: { accountId } },
        ...{ objectId: accountId, object: {}, changes: {} },
        decision: {
          action: "enter",
          subject: { type: "Account", id: accountId },
          ...{ allowed: true, rule: null, roles },
        },
      });
      await connection.last(db.table(Event).insertion([event as Event]));
    });
    this.remembered.set(keyOf(sessionId, accountId), true);
  }
}

const keyOf = (sessionId: string, accountId: string) => `${sessionId} ${accountId}`;
