import { join, raw, type Sql, sql } from "../database/sql";
import { Forbidden } from "../errors";
import type { Principal, Request, Standing, Warning } from "../principal";

/** A principal who wants to enter an account: their place in it, how they signed in, and from where. */
export interface Entering {
  standing: Standing;
  principal: Principal;
  request: Request;
}

/** One condition on getting into an account. */
export interface Condition {
  /** The key of its fact in a standing's `facts`. */
  readonly name: string;
  /**
   * The fact as SQL, about a member `m` and their user `u`, or about a service user `m`, in the account
   * `a`. It may use columns of these rows only, as a transaction locks no others.
   */
  readonly fact: { readonly member: Sql; readonly serviceUser: Sql };
  /** Judges the fact; a warning lets the principal in. */
  readonly judge: (fact: unknown, entering: Entering) => Forbidden | Warning | null;
}

/**
 * The conditions of getting into an account, before any rule is asked (Y2). The first that fails is the
 * refusal. This list is the only place that has them: authentication, the standing that a transaction
 * locks, and the guard of compiled reads all select `factsOf` and ask `gate`.
 */
export const conditions: Condition[] = [
  {
    name: "disabled",
    fact: {
      member: raw("m.disabled_at is not null"),
      serviceUser: raw("m.disabled_at is not null"),
    },
    judge: (disabled) =>
      disabled === true
        ? new Forbidden(
            "MEMBER_DISABLED",
            "Your access to this account is disabled. Ask one of its administrators to enable it.",
          )
        : null,
  },
  {
    name: "mfaMissing",
    fact: {
      member: raw("a.mfa_required and u.mfa_enabled_at is null"),
      serviceUser: raw("false"),
    },
    judge: (mfaMissing) =>
      mfaMissing === true
        ? new Forbidden(
            "MFA_ENROLLMENT_REQUIRED",
            "This account requires two-factor authentication. Turn it on for yourself (`enrollTotp`), then try again.",
          )
        : null,
  },
];

/** The row by which a principal has a place in an account. */
export type PlaceKind = keyof Condition["fact"];

/** The tables whose rows give a place. */
export const PLACES = { member: raw("memberships"), serviceUser: raw("service_users") };

/** Joins the user `u` of the place `m`. */
export const USER_OF = { member: raw(" join users u on u.id = m.user_id"), serviceUser: raw("") };

/** The account `a` is not deleted. A deleted account does not exist for its members (Y3). */
export const ACCOUNT_IS_OPEN = raw("a.deleted_at is null");

/** The place `m` was not removed. For a principal who was removed, the account does not exist (Y3). */
export const PLACE_IS_HELD = {
  member: raw("m.removed_at is null"),
  serviceUser: raw("m.deleted_at is null"),
};

/** All facts that the gate judges, as one `jsonb`, of the account `a`, the place `m` and its user `u`. */
export function factsOf(kind: PlaceKind): Sql {
  const facts = conditions.map(({ name, fact }) => sql`${raw(`'${name}'`)}, ${fact[kind]}`);
  return sql`jsonb_build_object(${join(facts, ", ")})`;
}

/** The gate's decision about a principal: the refusal, or the warnings. */
export interface Verdict {
  refusal: Forbidden | null;
  warnings: Warning[];
}

const LET_IN: Verdict = { refusal: null, warnings: [] };

/** Decides whether a principal gets into the account. Each condition refuses with a code of its own. */
export function gate(entering: Entering): Verdict {
  const { standing } = entering;
  if (standing.machine) return LET_IN;
  let warnings: Warning[] | null = null;
  for (const { name, judge } of conditions) {
    const said = judge(standing.facts[name], entering);
    if (said instanceof Forbidden) return { refusal: said, warnings: [] };
    if (said) (warnings ??= []).push(said);
  }
  return warnings ? { refusal: null, warnings } : LET_IN;
}

/** Adds warnings to the answer of this request, each of them once. */
export function warn({ warnings: told }: Request, warnings: readonly Warning[]): void {
  for (const warning of warnings) {
    const { code, accountId } = warning;
    if (!told?.some((other) => other.code === code && other.accountId === accountId)) {
      told?.push(warning);
    }
  }
}
