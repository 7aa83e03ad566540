import type { Denial, DenialCode } from "../errors";
import { Forbidden } from "../errors";
import { RANKS, type Role, ROLES, roleName } from "../entities/roles";
import { Surface } from "../entities/Session";
import type { Principal, Standing } from "../principal";
import { abilityIn } from "./abilities";
import { type Ability, type Action, ruleFor, type Subject } from "./ability";
import { subjectName, verb } from "./wording";

/** The error of a denial: it names the rule that decided, and the roles that would allow it (Y4). */
export function denied(
  ability: Ability,
  who: Standing | null,
  action: Action,
  row: Subject,
  principal: Principal,
): Forbidden {
  const rule = ruleFor(ability, action, row);
  const decision: Denial = {
    ...asked(action, row),
    rule: rule?.reason ?? null,
    allowedBy: who ? rolesThatAllow(who, action, row) : [],
  };
  const help = decision.allowedBy.length
    ? ` It takes ${list(decision.allowedBy)}.`
    : " No role allows it.";
  const code: DenialCode = rule?.code ?? "FORBIDDEN";
  return new Forbidden(
    code,
    rule?.inverted && rule.reason
      ? rule.reason
      : `You may not ${verb(action)} this ${inSentence(decision.subject.type)}.${who && !takesSession(who, action, row) ? help : helpWithOwn(principal)}`,
    decision,
  );
}

/** The error for a caller who may do this after a fresh proof that it is them (U11). */
export function stale(action: Action, row: Subject): Forbidden {
  return new Forbidden(
    "REAUTHENTICATION_REQUIRED",
    "Confirm that it is you: call `reauthenticate`, then try again.",
    {
      ...asked(action, row),
      rule: "Sensitive changes take a proof of the last 15 minutes.",
      allowedBy: [],
    },
  );
}

function asked(action: Action, row: Subject): Pick<Denial, "action" | "subject"> {
  const type = subjectName(row.constructor.name);
  // A row that was not created has no ID that leads anywhere.
  return {
    action,
    subject: { type, id: action !== "create" && "id" in row ? (row.id ?? null) : null },
  };
}

/** Whether the member may do this in a session, but not with an API key. */
function takesSession(who: Standing, action: Action, row: Subject): boolean {
  return (
    who.surface === Surface.API &&
    who.membershipId !== null &&
    abilityIn({ ...who, surface: Surface.DASHBOARD }).can(action, row)
  );
}

/** What helps where a role does not. */
function helpWithOwn({ surface, emailVerified }: Principal): string {
  if (surface !== Surface.DASHBOARD)
    return " Sign in and use your session: no API key may do this.";
  return emailVerified ? "" : " Confirm your email first.";
}

/** Roles that would allow it. Each is enough, in addition to the roles that the member has. */
function rolesThatAllow(who: Standing, action: Action, row: Subject): string[] {
  if (!who.membershipId) return [];
  return ROLES.flatMap((role: Role) =>
    RANKS[role]
      .filter((value) => who.roles[role] !== value)
      .filter((value) => {
        const roles = { ...who.roles, [role]: value };
        return abilityIn({ ...who, roles }).can(action, row);
      })
      .map((value) => roleName(role, value)),
  );
}

const inSentence = (name: string) => name.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase());
const list = (names: string[]) => new Intl.ListFormat("en", { type: "disjunction" }).format(names);
