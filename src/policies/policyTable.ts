import { Account } from "../entities/Account";
import { PrincipalKind } from "../entities/Event";
import { BillingRole, DeveloperRole, LOWEST, type Roles, TeamRole } from "../entities/roles";
import { Surface } from "../entities/Session";
import {
  MACHINES,
  machineStanding,
  operatorNamed,
  type Principal,
  SIGN_UP,
  type Standing,
  system,
} from "../principal";
import { abilityIn, abilityOver } from "./abilities";
import { type Ability, type Action, ACTIONS, type Rule, type SubjectClass } from "./ability";
import { subjectName } from "./wording";

const ME = "me";
const member = (roles: Partial<Roles>): Standing => ({
  accountId: "account",
  principalId: ME,
  membershipId: ME,
  serviceUserId: null,
  roles: { ...LOWEST, ...roles },
  surface: Surface.DASHBOARD,
  facts: {},
  machine: null,
});
const serviceUser: Standing = {
  ...member({ developer: DeveloperRole.READ_WRITE }),
  membershipId: null,
  serviceUserId: ME,
  surface: Surface.API,
};

/** Each role alone, with all other roles at their lowest: what it grants by itself. */
const ROLE_COLUMNS: [name: string, who: Standing][] = [
  ["administrator", member({ administrator: true })],
  ["API key of an administrator", { ...member({ administrator: true }), surface: Surface.API }],
  ["team MANAGER", member({ team: TeamRole.MANAGER })],
  ["team INVITE_ONLY", member({ team: TeamRole.INVITE_ONLY })],
  ["team READ_ONLY", member({ team: TeamRole.READ_ONLY })],
  ["developer READ_WRITE", member({ developer: DeveloperRole.READ_WRITE })],
  ["developer READ_ONLY", member({ developer: DeveloperRole.READ_ONLY })],
  ["billing ACCESS", member({ billing: BillingRole.ACCESS })],
  ["service user", serviceUser],
];

/** The machines that have a rule. */
const MACHINE_COLUMNS = MACHINES.map((name): [name: string, who: Standing] => [
  `${name} (machine)`,
  machineStanding(name, "account", name),
]).filter(([, who]) => abilityIn(who).rules.length > 0);

const user: Principal = {
  ...system(ME),
  kind: PrincipalKind.USER,
  emailVerified: true,
  surface: Surface.DASHBOARD,
};
/** What a user may do outside accounts depends on how they are authenticated, and not on roles. */
const OWN_COLUMNS: [name: string, who: Principal][] = [
  ["session", user],
  ["session, email not verified", { ...user, emailVerified: false }],
  ["API key of a user", { ...user, surface: Surface.API, accountId: "account" }],
  [
    "API key of a service user",
    { ...user, kind: PrincipalKind.SERVICE_USER, surface: Surface.API },
  ],
  ["sign-up (machine)", system(SIGN_UP)],
  ["operator", operatorNamed("user", "host")],
];

/** The text of docs/policy.md: every action on every kind of row, from the rules themselves (Y7). */
export function policyTable(): string {
  const inAccount = [...ROLE_COLUMNS, ...MACHINE_COLUMNS].map(([name, who]) => ({
    name,
    ability: abilityIn(who),
  }));
  const own = OWN_COLUMNS.map(([name, who]) => ({ name, ability: abilityOver(who) }));
  return `# Who may do what

Generated from the rules in \`src/policies\` by \`npm run policy\`; a test fails when it is stale.

A member may do what any of their roles allows. Each column is one role alone, with every other
role at its lowest, so "no" says that this role alone does not grant it. The roles are those of a
member in a session. An API key has the roles of its owner, with the exceptions in its own column. The
gate comes before all rules: a disabled member or service user can do nothing in the account. A machine
is a part of Gatehouse that acts in an account without being a member. It does what its column says, and
sees nothing.

## In an account

${sections(inAccount)}
## What is your own

A user's own sessions and sign-in belong to no account. They take a session: an API key acts for its
owner in one account only. A sign-up is a machine too, as there is no user yet. The operator is the
person who runs the command line on the server.

${sections(own)}`;
}

const ACTION_NAMES: Partial<Record<Action, string>> = {
  updateRoles: "change roles",
  updateSignInPolicy: "change the sign-in policy",
};

interface Column {
  name: string;
  ability: Ability;
}

function sections(columns: Column[]): string {
  const rules = columns.flatMap(({ ability }) => ability.rules as Rule[]);
  const subjects = [...new Set(rules.map((rule) => rule.subject))];
  return subjects.map((subject) => section(subject, columns, rules)).join("\n");
}

function section(subject: SubjectClass, columns: Column[], rules: Rule[]): string {
  const about = rules.filter((rule) => rule.subject === subject);
  const actions = ACTIONS.filter((action) =>
    about.some((rule) => actionsOf(rule).includes(action)),
  );
  const line = (cells: string[]) => `| ${cells.join(" | ")} |\n`;
  const reasons = [...new Set(about.map((rule) => rule.reason))];
  return [
    `### ${subjectName(subject.name)}\n\n`,
    line(["may", ...columns.map(({ name }) => name)]),
    line(["---", ...columns.map(() => "---")]),
    ...actions.map((action) =>
      line([
        ACTION_NAMES[action] ?? action,
        ...columns.map(({ ability }) => cell(ability.rulesFor(action, subject) as never)),
      ]),
    ),
    "\n",
    ...reasons.map((reason) => `- ${reason}\n`),
  ].join("");
}

/** The rules about one action of one role, in words. */
function cell(rules: readonly (Rule & { inverted: boolean })[]): string {
  const allows = rules.filter((rule) => !rule.inverted).map(conditionsOf);
  if (allows.length === 0) return "no";
  const never = rules.filter((rule) => rule.inverted).flatMap(conditionsOf);
  const any = allows.some((conditions) => conditions.length === 0);
  const said = any ? "yes" : allows.map((conditions) => conditions.join(", ")).join("; or ");
  // A `forbid` for rows that no `allow` is about adds nothing.
  const exceptions = never.filter((condition) => !said.includes(`non-${condition}`));
  return exceptions.length ? `${said}, never ${exceptions.join(" or ")}` : said;
}

/** The conditions of a rule, without those of every rule: that the row is of this account, and exists. */
function conditionsOf({ conditions = {}, subject }: Rule): string[] {
  const tenant = subject === Account ? "id" : "accountId";
  return Object.entries(conditions as Record<string, unknown>)
    .filter(([field]) => field !== tenant)
    .map(([field, value]) => inWords(field, value))
    .filter((words) => words !== "");
}

function inWords(field: string, value: unknown): string {
  const said = `${field} ${JSON.stringify(value)}`;
  if (value === null && (field === "removedAt" || field === "deletedAt")) return "";
  if (field === "id" && value === ME) return "themselves";
  if (value === ME) return "their own";
  if (said === "administrator true") return "administrators";
  if (said === "administrator false") return "non-administrators";
  if (said === 'provisioning "FOUNDER"') return "as founder";
  if (said === 'provisioning "INVITATION"') return "by invitation";
  if (field === "ownerRoles") return "where no role of the owner is above their own";
  throw new Error(`The table has no words for the condition ${said}`);
}

const actionsOf = ({ action }: Rule): readonly Action[] =>
  Array.isArray(action) ? action : [action];
