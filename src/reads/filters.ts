import { canonicalRange } from "../net/addresses";
import { all, raw, type Sql, sql } from "../database/sql";
import type { CredentialKind } from "../entities/Credential";
import { MemberStatus } from "../entities/Membership";
import { type Roles, ROLES } from "../entities/roles";
import { Refusal, Refused } from "../errors";
import { firstIdAt, kindOf } from "../ids";

/** The most rows that a page may have. */
export const MAX_PAGE = 100;

type Maybe<T> = { [K in keyof T]?: T[K] | null | undefined };

/** Which members to read; what is absent does not matter. */
export type MemberConditions = Maybe<{ status: MemberStatus; roles: Maybe<Roles>; text: string }>;

/** The condition on the alias `row` of a member filter. */
export function membersWhere({ status, roles, text }: MemberConditions): Sql {
  const part = text?.trim().toLowerCase();
  return all([
    ...(status
      ? [raw(`row.disabled_at is ${status === MemberStatus.ACTIVE ? "" : "not "}null`)]
      : []),
    ...ROLES.filter((role) => roles?.[role] != null).map(
      (role) => sql`row.${raw(role)} = ${roles![role]}`,
    ),
    ...(part
      ? [
          sql`exists (select from users u where u.id = row.user_id
            and (strpos(lower(u.name), ${part}) > 0 or strpos(u.email, ${part}) > 0))`,
        ]
      : []),
  ]);
}

/** Which credentials to read; what is absent does not matter. */
export type CredentialConditions = Maybe<{
  kind: CredentialKind;
  ownerId: string;
  revoked: boolean;
}>;

/** The condition on the alias `row` of a credential filter. */
export function credentialsWhere({ kind, ownerId, revoked }: CredentialConditions): Sql {
  const owner = kindOf(ownerId ?? "") === "ServiceUser" ? "service_user_id" : "membership_id";
  return all([
    ...(kind ? [sql`row.kind = ${kind}`] : []),
    ...(ownerId ? [sql`row.${raw(owner)} = ${ownerId}`] : []),
    ...(revoked != null ? [raw(`row.revoked_at is ${revoked ? "not " : ""}null`)] : []),
  ]);
}

/** Which events to read; what is absent does not matter. */
export interface EventConditions {
  types?: string[] | null | undefined;
  principalId?: string | null | undefined;
  objectId?: string | null | undefined;
  /** An address, or a range in CIDR notation. */
  ip?: string | null | undefined;
  /** From this moment on. */
  from?: Date | null | undefined;
  /** Before this moment. */
  until?: Date | null | undefined;
}

/** An id's time is when its row was made, moments after the transaction's own time. */
const SLACK_MS = 60_000;

/** The condition on the alias `row` of an event filter. */
export function eventsWhere(filter: EventConditions): Sql {
  const { types, principalId, objectId, ip, from, until } = filter;
  const around = (moment: Date, ms: number) =>
    firstIdAt("Event", new Date(Math.min(Math.max(moment.getTime() + ms, 0), 2 ** 48 - 1)));
  return all([
    ...(types ? [sql`row.type = any(${types})`] : []),
    ...(principalId ? [sql`row.principal_id = ${principalId}`] : []),
    ...(objectId ? [sql`row.object_id = ${objectId}`] : []),
    ...(ip != null ? [sql`row.ip <<= ${rangeFrom(ip)}::inet`] : []),
    ...(from ? [sql`row.occurred_at >= ${from} and row.id >= ${around(from, -SLACK_MS)}`] : []),
    ...(until ? [sql`row.occurred_at < ${until} and row.id < ${around(until, SLACK_MS)}`] : []),
  ]);
}

/** @throws Refused (BAD_USER_INPUT) for what is neither an address nor a range. */
function rangeFrom(text: string): string {
  const range = canonicalRange(text);
  if (range) return range;
  throw new Refused(Refusal.BAD_USER_INPUT, "`ip` takes an address or a range in CIDR notation.", [
    "filter",
    "ip",
  ]);
}
