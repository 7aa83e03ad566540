import { isIP } from "node:net";
import { canonicalRange } from "../net/addresses";
import { EVERYTHING, type Filter, type Search, type Way } from "../database/firstRows";
import { all, FALSE, raw, sql, TRUE } from "../database/sql";
import { CredentialKind } from "../entities/Credential";
import { MemberStatus } from "../entities/Membership";
import { BillingRole, DeveloperRole, type Roles, TeamRole } from "../entities/roles";
import { Refusal, Refused } from "../errors";
import { firstIdAt, kindOf } from "../ids";

/** The most rows that a page may have, and how many it has where neither `first` nor `last` is given. */
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 50;

type Maybe<T> = { [K in keyof T]?: T[K] | null | undefined };

/** Which members to read; what is absent does not matter. */
export type MemberConditions = Maybe<{ status: MemberStatus; roles: Maybe<Roles>; text: string }>;

/** Each column that members are filtered by, with all that it can hold. */
const MEMBER_COLUMNS = {
  administrator: [true, false],
  developer: Object.values(DeveloperRole),
  team: Object.values(TeamRole),
  billing: Object.values(BillingRole),
  active: [true, false],
};

/** The members that a filter asks for. */
export function membersFilter({ status, roles, text }: MemberConditions): Filter {
  const part = text?.trim().toLowerCase();
  // A line break stands between a name and an email.
  const where = part?.includes("\n") ? FALSE : TRUE;
  const search = part ? { search: searchOf(part) } : {};
  const active = status ? status === MemberStatus.ACTIVE : null;
  const asked: Record<string, unknown> = { ...roles, active };
  const names = Object.keys(MEMBER_COLUMNS) as (keyof typeof MEMBER_COLUMNS)[];
  if (names.every((name) => asked[name] == null)) return { where, ...search };
  const sets = combined(
    names.map((name) => (asked[name] == null ? MEMBER_COLUMNS[name] : [asked[name]])),
  );
  const [administrator, developer, team, billing, actives] = names.map((_, i) =>
    sets.map((set) => set[i]),
  );
  return {
    ...{ where, ...search },
    ranges: {
      from: sql`unnest(${administrator}::boolean[], ${developer}::text[], ${team}::text[],
        ${billing}::text[], ${actives}::boolean[])
        range(administrator, developer, team, billing, active)`,
      columns: {
        administrator: "row.administrator",
        developer: "row.developer",
        team: "row.team",
        billing: "row.billing",
        active: "(row.disabled_at is null)",
      },
      areMany: true,
    },
  };
}

/**
 * People whose name or email has this in it. Where the first rows have too few of them, an index of
 * all pieces of two and three characters finds them; it has none of one character.
 */
function searchOf(part: string): Search {
  // A value for each row: the planner would make `exists` a join with all of the table.
  const where = sql`(select strpos(s.text, ${part}) from member_searches s
    where s.id = row.id and s.account_id = row.account_id) > 0`;
  const size = Math.min([...part].length, 3);
  if (size === 1) return { where };
  return {
    where,
    indexed: sql`searched_members(scope.account_id, ${part}, ${raw(String(size))}) range(id)`,
  };
}

/** Every way to take one value of each list. */
function combined(lists: readonly (readonly unknown[])[]): unknown[][] {
  return lists.reduce<unknown[][]>(
    (sets, list) => sets.flatMap((set) => list.map((value) => [...set, value])),
    [[]],
  );
}

/** Which credentials to read; what is absent does not matter. */
export type CredentialConditions = Maybe<{
  kind: CredentialKind;
  ownerId: string;
  revoked: boolean;
}>;

/** The credentials that a filter asks for. */
export function credentialsFilter({ kind, ownerId, revoked }: CredentialConditions): Filter {
  const conditions = [
    ...(kind ? [sql`row.kind = ${kind}`] : []),
    ...(revoked != null ? [raw(`row.revoked_at is ${revoked ? "not " : ""}null`)] : []),
  ];
  // An owner has few.
  if (ownerId) {
    const owner = kindOf(ownerId) === "ServiceUser" ? "service_user_id" : "membership_id";
    return { where: all([...conditions, sql`row.${raw(owner)} = ${ownerId}`]) };
  }
  if (conditions.length === 0) return EVERYTHING;
  const kinds = kind ? [kind] : Object.values(CredentialKind);
  const sets = combined([kinds, revoked != null ? [revoked] : [true, false]]);
  const [ofKind, ofState] = [0, 1].map((i) => sets.map((set) => set[i]));
  return {
    where: TRUE,
    ranges: {
      from: sql`unnest(${ofKind}::text[], ${ofState}::boolean[]) range(kind, revoked)`,
      columns: { kind: "row.kind", revoked: "(row.revoked_at is not null)" },
      areMany: true,
    },
  };
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

/** The events that a filter asks for. @throws Refused (BAD_USER_INPUT) for an `ip` that is not taken. */
export function eventsFilter(filter: EventConditions, field = ["filter", "ip"]): Filter {
  const { types, principalId, objectId, ip, from, until } = filter;
  const around = (moment: Date, ms: number) =>
    firstIdAt("Event", new Date(Math.min(Math.max(moment.getTime() + ms, 0), 2 ** 48 - 1)));
  const where = all([
    ...(from ? [sql`row.occurred_at >= ${from}`] : []),
    ...(until ? [sql`row.occurred_at < ${until}`] : []),
  ]);
  const times = {
    where,
    ...(from && { above: sql`${around(from, -SLACK_MS)}::text` }),
    ...(until && { below: sql`${around(until, SLACK_MS)}::text` }),
  };
  // The rarest as a rule come first.
  const each: Way[] = [
    ...(objectId ? [equal("object_id", "text", objectId)] : []),
    ...(ip != null ? [fromAddresses(ip, field)] : []),
    ...(principalId || types ? [ofPrincipal(principalId, types && [...new Set(types)])] : []),
  ];
  if (each.length > 1) return { ...times, each };
  const [only] = each;
  if (!only) return times;
  return { ...times, where: all([where, only.besides ?? TRUE]), ranges: only.ranges };
}

/** A column that has one value. */
function equal(column: string, type: string, value: string): Way {
  const cast = sql`${value}::${raw(type)}`;
  return {
    where: sql`row.${raw(column)} = ${cast}`,
    ranges: {
      from: sql`(select ${cast} as ${raw(column)}) range`,
      columns: { [column]: `row.${column}` },
    },
  };
}

/** What a principal did, of some types; one of the two may be left out. */
function ofPrincipal(
  principalId: string | null | undefined,
  types: string[] | null | undefined,
): Way {
  if (!types) return equal("principal_id", "text", principalId!);
  const ofTypes = sql`row.type = any(${types}::text[])`;
  if (!principalId) {
    const from = sql`unnest(${types}::text[]) range(type)`;
    return { where: ofTypes, ranges: { from, columns: { type: "row.type" } } };
  }
  return {
    where: sql`row.principal_id = ${principalId} and ${ofTypes}`,
    ranges: {
      from: sql`(select ${principalId}::text as principal_id, type from unnest(${types}::text[]) type) range`,
      columns: { principal_id: "row.principal_id", type: "row.type" },
    },
  };
}

/** The widest range that an index finds: a /24 of IPv4, a /64 of IPv6. */
const NETWORK_BITS = { 4: 24, 6: 64 } as const;

/** The network of that size, as the index has it. */
const NETWORK = "network(set_masklen(row.ip, case family(row.ip) when 4 then 24 else 64 end))";

function fromAddresses(text: string, field: string[]): Way {
  const range = canonicalRange(text);
  const refused = (message: string) => new Refused(Refusal.BAD_USER_INPUT, message, field);
  if (!range) throw refused("`ip` takes an address or a range in CIDR notation.");
  const [address, bits] = range.split("/") as [string, string?];
  if (bits === undefined) return equal("ip", "inet", address);
  const most = NETWORK_BITS[isIP(address) as 4 | 6];
  if (Number(bits) < most) {
    throw refused(
      `\`ip\` takes ranges of at most /${NETWORK_BITS[4]} (IPv4) or /${NETWORK_BITS[6]} (IPv6); this is /${bits}.`,
    );
  }
  return {
    where: sql`row.ip <<= ${range}::inet`,
    besides: sql`row.ip <<= ${range}::inet`,
    ranges: {
      from: sql`(select network(set_masklen(${range}::inet, ${most}::int)) as network) range`,
      columns: { network: NETWORK },
    },
  };
}
