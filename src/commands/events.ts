import type { Context } from "../context/context";
import { unhurried } from "../database/firstRows";
import { sql } from "../database/sql";
import type { Class } from "../database/table";
import { Event, UserEvent } from "../entities/Event";
import { User } from "../entities/User";
import { emailFrom } from "../operations/steps/emailFrom";
import { eventsFilter } from "../reads/filters";
import { followed } from "../reads/followed";
import { reasonOf } from "../setup/problems";
import { asOperator } from "./asOperator";
import { command, Misused } from "./command";
import {
  type Format,
  idFrom,
  limitFrom,
  LISTING,
  momentFrom,
  pages,
  printRows,
  rangeFrom,
} from "./listing";

type AnyEvent = Event | UserEvent;

const format: Format<AnyEvent> = {
  json(event) {
    const { id, type, occurredAt, principal, objectId, object, changes, decision } = event;
    const { ip, userAgent, requestId } = event;
    const stream = "accountId" in event ? { accountId: event.accountId } : { userId: event.userId };
    return {
      ...{ id, type, ...stream, occurredAt, principal, objectId, object, changes, decision },
      ...{ ip, userAgent, requestId },
    };
  },
  columns: {
    time: ({ occurredAt }) => occurredAt,
    type: ({ type }) => type,
    principal: ({ principalSubject }) => principalSubject,
    object: ({ objectId }) => objectId,
    ip: ({ ip }) => ip,
  },
};

export const eventsCommand = command({
  does: "prints the events of an account or of a user, the latest first, or as they happen",
  takes: {
    account: "ID",
    user: "ID-OR-EMAIL",
    type: "TYPE,…",
    principal: "ID",
    object: "ID",
    ip: "ADDRESS-OR-RANGE",
    since: "TIME",
    until: "TIME",
    ...LISTING,
  },
  switches: ["follow", "json"],
  run({ account, user, follow, json: asJson, ...given }, terminal) {
    if ((account === undefined) === (user === undefined)) {
      throw new Misused("Give either --account or --user: whose events.");
    }
    if (follow && given.until !== undefined) {
      throw new Misused("--follow goes on for ever: give no --until.");
    }
    const limit = limitFrom(given.limit);
    const from =
      given.since === undefined ? (follow ? new Date() : null) : momentFrom("since", given.since);
    const filter = unhurried(
      eventsFilter(
        {
          types: given.type === undefined ? null : typesFrom(given.type),
          principalId: given.principal === undefined ? null : idOrName(given.principal),
          objectId: given.object === undefined ? null : idFrom("object", given.object),
          ip: given.ip === undefined ? null : rangeFrom("ip", given.ip),
          from,
          until: given.until === undefined ? null : momentFrom("until", given.until),
        },
        ["ip"],
      ),
    );
    const accountId = account === undefined ? null : idFrom("account", account, "Account");

    return asOperator(terminal, async (ctx) => {
      const entity: Class<AnyEvent> = accountId ? Event : UserEvent;
      const where = accountId
        ? sql`row.account_id = ${accountId}`
        : sql`row.user_id = ${await userId(ctx, user!)}`;
      const read = (after: string) =>
        pages(ctx, entity, { where, filter, oldestFirst: true, after });
      const found = follow
        ? first(
            limit,
            followed(read, {
              after: "",
              signal: terminal.interrupted,
              onAway: (error) =>
                terminal.log(`The database is away: ${reasonOf(error)}. Waiting for it.`),
            }),
          )
        : pages(ctx, entity, { where, filter, limit });
      await printRows(terminal, found, { ...format, asJson });
    });
  },
});

/** No more than so many rows. */
async function* first<E>(limit: number, found: AsyncIterable<E[]>): AsyncGenerator<E[]> {
  let left = limit;
  for await (const page of found) {
    yield page.slice(0, left);
    left -= page.length;
    if (left <= 0) return;
  }
}

/** The ID of a user who is given by it, or by their email. */
async function userId(ctx: Context, text: string): Promise<string> {
  if (!text.includes("@")) return idFrom("user", text, "User");
  const where = sql`row.email = ${emailFrom(text, ["user"])}`;
  for await (const [user] of pages(ctx, User, { where })) return user!.id;
  throw new Misused(`--user: no user has the email ${text}.`);
}

/** @throws Misused for what can't be types of events. */
function typesFrom(text: string): string[] {
  const types = text.split(",");
  if (types.every((type) => /^[a-z_]+\.v[1-9]\d*$/.test(type))) return types;
  throw new Misused("--type takes types with commas between, such as signed_in.v1,signed_out.v1.");
}

/** Principals that are no rows have names: the operator, and jobs. */
function idOrName(text: string): string {
  return /^[a-z-]+$/.test(text) ? text : idFrom("principal", text);
}
