import { tellAllRefusals, tellRefusals } from "../../src/context/refusals";
import { BillingRole, LOWEST, type Roles } from "../../src/entities/roles";
import { db, settled, sqlAsOwner } from "./database";
import { DEVELOPER, INVITER, READER } from "./factories";

export const BILLING: Roles = { ...LOWEST, billing: BillingRole.ACCESS };

/** Everyone who is neither an administrator nor a team manager, for `it.each`. */
export const NOBODY_WHO_MANAGES: [who: string, roles: Roles][] = [
  ["a team inviter", INVITER],
  ["a developer", DEVELOPER],
  ["whoever has billing access", BILLING],
  ["a reader", READER],
];

/** An id of each kind that no row has. */
export const UNKNOWN = {
  Account: "ac_01jzzzzzzzzzzzzzzzzzzzzzzz",
  Membership: "mem_01jzzzzzzzzzzzzzzzzzzzzzzz",
  ServiceUser: "su_01jzzzzzzzzzzzzzzzzzzzzzzz",
  ApiKey: "ak_01jzzzzzzzzzzzzzzzzzzzzzzz",
};

const DENIAL = `type in ('action_refused.v1', 'sign_in_refused.v1', 'reauthentication_refused.v1',
  'mfa_refused.v1')`;

/** Every row of every table in the database; denials, entries and what is counted apart. */
export async function everything(): Promise<Record<string, unknown>> {
  // A notice of an earlier test may still be on its way.
  await settled();
  const tables = await sqlAsOwner<{ name: string }>(`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname not in ('migrations', 'refusals', 'throttles', 'entries') order by 1`);
  const rows = tables.map(
    ({ name }) => `(select json_agg(t order by t::text) from ${name} t
      ${name.endsWith("events") ? `where not (${DENIAL} or type = 'account_entered.v1')` : ""}) as ${name}`,
  );
  // Mail that is to be sent.
  rows.push("(select json_agg(t order by id) from graphile_worker._private_jobs t) as jobs");
  const [all] = await sqlAsOwner(`select ${rows.join(", ")}`);
  return all!;
}

interface DenialEvent {
  stream: string;
  type: string;
  decision: { action: string; subject: { type: string }; code: string; count: number };
}

/** Every denial that was recorded, in accounts and with users, oldest first. */
export function denials(): Promise<DenialEvent[]> {
  return sqlAsOwner(`
    select account_id as stream, id, type, object_id, decision from events where ${DENIAL}
    union all
    select user_id, id, type, object_id, decision from user_events where ${DENIAL} order by id`);
}

/** What a decision was about: "disable Member". */
export const about = ({ action, subject }: { action: string; subject: { type: string } }) =>
  `${action} ${subject.type}`;

/**
 * Expects an error, and that it left nothing behind in the whole database: no row changed, no
 * event was written, no denial was recorded.
 */
export async function expectRefused(act: () => Promise<unknown>, error: object): Promise<void> {
  const before = await denials();
  await expectNothingDone(act, error);
  expect(await denials()).toEqual(before);
}

/** Expects it to be as if the id named nothing. */
export function expectNotFound(act: () => Promise<unknown>): Promise<void> {
  return expectRefused(act, { code: "NOT_FOUND" });
}

/** Expects a denial, recorded once in the account's or user's stream; nothing else changed. */
export async function expectDenied(
  stream: { id: string },
  act: () => Promise<unknown>,
  { action, ...error }: { action: string; code: string; decision?: object; message?: string },
): Promise<void> {
  const before = (await denials()).length;
  await expectNothingDone(act, error);
  // The gate's denials are recorded behind the caller's back.
  await eventually(async () => (await denials()).length > before);
  const recorded = (await denials()).slice(before);
  expect(recorded).toMatchObject([
    {
      stream: stream.id,
      type: "action_refused.v1",
      decision: { code: error.code, allowed: false, count: 1 },
    },
  ]);
  expect(recorded.map(({ decision }) => about(decision))).toEqual([action]);
}

async function expectNothingDone(act: () => Promise<unknown>, error: object): Promise<void> {
  const before = await everything();
  await expect((async () => act())()).rejects.toMatchObject(error);
  expect(await everything()).toEqual(before);
}

/** Waits until it holds, or for a second. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100 && !(await holds()); i++) {
    await new Promise((go) => setTimeout(go, 10));
  }
}

/** Has the minute be over in which refusals are only counted, for this server and all others. */
export async function afterQuietMinute(): Promise<void> {
  await sqlAsOwner("update refusals set recorded_at = recorded_at - interval '61 s'");
  await tellRefusals(db);
}

/** Has the next refusal be the first one of its kind. */
export async function forgetRefusals(): Promise<void> {
  await tellAllRefusals(db);
  await sqlAsOwner("delete from refusals");
}
