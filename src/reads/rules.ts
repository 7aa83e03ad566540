import { all, any, FALSE, type Sql, sql, TRUE } from "../database/sql";
import type { ColumnOf } from "../database/table";
import type { Action, Subject, SubjectClass } from "../policies/ability";
import { allowed } from "../policies/allowedRows";
import type { Standing } from "../principal";
import { type AdmittedCaller, type Group, OWN } from "./admittedCaller";
import { CALLER } from "./guard";
import { isSame, source } from "./plan";
import { Uncompilable } from "./uncompilable";

const isOwn = (value: unknown) => Object.values<unknown>(OWN).includes(value);

/** A value of a rule, as the statement has it. The row's own column says which account it is. */
const given = (account?: Sql) => (value: unknown, operator: string) => {
  if (value === OWN.accountId) return account;
  if (value === OWN.principalId) return CALLER.principalId;
  if (value === OWN.serviceUserId) return CALLER.placeId;
  if (value === OWN.keyAccountId) return CALLER.accountId;
  // Ids are of one account each, so any of one's own is one's own there.
  if (value === OWN.membershipId && operator === "eq") return sql`any(${CALLER.membershipIds})`;
  if ([value].flat().some(isOwn)) throw new Uncompilable(`a rule says ${operator} of an own id`);
  return value;
};

/** What each group of the caller's accounts says, joined where they differ. */
function byGroup({ groups }: AdmittedCaller, account: Sql, test: (group: Group) => Sql): Sql {
  const tests = groups.map(test);
  const [first, ...more] = tests;
  if (!first) return FALSE;
  if (more.every((other) => isSame(other, first))) return first;
  return any(
    tests.map((one, i) => {
      const accounts = source(({ caller }) => caller.groups[i]!.accountIds);
      return one === FALSE ? FALSE : all([sql`${account} = any(${accounts})`, one]);
    }),
  );
}

/**
 * Whether the caller may do this to a row in one of the accounts open to them. Which account
 * that is, the way to the row has settled; `account` tells where their roles differ.
 */
export function may(
  caller: AdmittedCaller,
  action: Action,
  subject: SubjectClass,
  column: ColumnOf,
  account: Sql,
): Sql {
  return byGroup(caller, account, ({ ability }) =>
    allowed(ability, action, subject, column, given(account)),
  );
}

/** The same of a row that is only thought of, such as a credential of the caller's own. */
export function mayWith(
  caller: AdmittedCaller,
  action: Action,
  row: (standing: Standing) => Subject,
  account: Sql,
): Sql {
  return byGroup(caller, account, (group) =>
    group.ability.can(action, row(group.standing)) ? TRUE : FALSE,
  );
}

/** Whether the caller may do this to what is their own and belongs to no account. */
export function mayOwn(
  { self }: AdmittedCaller,
  action: Action,
  subject: SubjectClass,
  column: ColumnOf,
): Sql {
  return allowed(self, action, subject, column, given());
}
