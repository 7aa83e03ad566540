import { createMongoAbility } from "@casl/ability";
import fc from "fast-check";
import type { Class } from "../../src/database/table";
import { Account } from "../../src/entities/Account";
import { Credential } from "../../src/entities/Credential";
import { type Ability, type Action, ACTIONS, type Subject } from "../../src/policies/ability";
import { db } from "./database";
import { HOSTILE } from "./randomDocuments";

/** Rules that nobody would write: any columns, compared with whatever is in them. */
export interface RandomRule {
  action: Action[];
  /** The entity's name: it is printed when a rule fails. */
  subject: string;
  conditions: Record<string, unknown>;
  inverted: boolean;
}

/** Ids of whoever rules are for: placeholders where they are compiled. */
export interface Ids {
  accountId?: string | null;
  principalId?: string;
  membershipId?: string | null;
  serviceUserId?: string | null;
  keyAccountId?: string | null;
}

/** Stands in a condition for one of those ids. */
class Own {
  constructor(readonly id: keyof Ids) {}
}

export type Row = Subject & { id: string };
/** Entities that rules may be of, and the rows there are. */
export type Rows = ReadonlyMap<Class<Row>, readonly Row[]>;

/** An ability by these rules for whoever has these ids, in one account or over their own. */
export function abilityOf(rules: readonly RandomRule[], ids: Ids, rows: Rows): Ability {
  const plain = rules.map(({ action, subject, conditions, inverted }) => {
    const given = Object.entries(conditions).map(([field, value]) => [
      field,
      value instanceof Own ? (ids[value.id] ?? null) : value,
    ]);
    // As `policies/ability.ts` narrows what is allowed, and not what is forbidden.
    if (ids.accountId && !inverted) {
      given.push([subject === Account.name ? "id" : "accountId", ids.accountId]);
    }
    const entity = [...rows.keys()].find(({ name }) => name === subject)!;
    return { action, subject: entity, conditions: Object.fromEntries(given) as object, inverted };
  });
  return createMongoAbility<Ability>(plain as never, {
    detectSubjectType: (row) => row.constructor as never,
  });
}

interface About {
  rows: Rows;
  entities: readonly Class<Row>[];
  /** Which ids of the caller's own a rule may name. */
  owns: readonly (keyof Ids)[];
  /** Those ids: nobody writes one itself into a policy. */
  ids: readonly string[];
}

/** One rule about one of the entities. */
export function aRule(about: About): fc.Arbitrary<RandomRule> {
  return fc.oneof(...about.entities.map((entity) => ruleOf(entity, about)));
}

function ruleOf(entity: Class<Row>, about: About): fc.Arbitrary<RandomRule> {
  const table = db.table(entity);
  const fields = [...table.keys, "ownerRoles", "ownerDisabled"].filter((field) => {
    // In an account, every rule is narrowed to it.
    if (field === "accountId" && !about.owns.includes("keyAccountId")) return false;
    return /^(text|boolean|timestamptz|simple-array)$/.test(table.info(field)?.type ?? "");
  });
  const condition = fc
    .constantFrom(...fields)
    .chain((field) => fc.tuple(fc.constant(field), comparison(entity, field, about)));
  return fc
    .record({
      action: fc.subarray([...ACTIONS], { minLength: 3 }),
      conditions: fc.array(condition, { maxLength: 2 }),
      inverted: fc.boolean(),
    })
    .map(({ action, conditions, inverted }) => {
      // A credential as yet to be made has an owner, and nothing else to ask of.
      const ofOwner = conditions.every(([field]) => /^(membership|serviceUser)Id$/.test(field));
      return {
        action: action.filter((one) => ofOwner || entity !== Credential || one !== "create"),
        subject: entity.name,
        conditions: Object.fromEntries(conditions),
        inverted,
      };
    });
}

// CASL reads conditions as ordinary objects.
const PLAIN = { noNullPrototype: true };

/** What a policy may say of a column: whatever `policies/allowedRows.ts` has a word for. */
function comparison(entity: Class<Row>, field: string, about: About): fc.Arbitrary<unknown> {
  const { type, array } = db.table(entity).info(field)!;
  const isId = /^id$|Id$/.test(field);
  const found = about.rows.get(entity)!.flatMap((row): unknown => Reflect.get(row, field));
  const values = [...new Set([...found, ...(type === "text" && !isId ? HOSTILE : [])])].filter(
    (value) => value !== null && !about.ids.includes(value as string),
  );
  const nothing = type === "timestamptz" ? new Date(0) : "";
  const value = fc.constantFrom(...(values.length ? values : [nothing]));
  const some = fc.array(value, { maxLength: 6 });
  const lists = [fc.record({ $in: some }, PLAIN), fc.record({ $nin: some }, PLAIN)];
  if (array) return fc.oneof(...lists);
  const orNull = fc.oneof(value, fc.constant(null));
  const equal = [fc.record({ $eq: orNull }, PLAIN), fc.record({ $ne: orNull }, PLAIN)];
  // Only where no other account's can stand: a membership is of one account.
  const ofMembership = /^(id|membershipId|inviterId)$/.test(field);
  const owns = about.owns.filter((own) => isId && (ofMembership || own !== "membershipId"));
  const others = fc.oneof(orNull, ...equal, ...lists);
  if (!owns.length) return others;
  // Most rules about ids are about one's own.
  const own = fc.constantFrom(...owns).map((id) => new Own(id));
  return fc.oneof({ weight: 3, arbitrary: own }, { weight: 1, arbitrary: others });
}
