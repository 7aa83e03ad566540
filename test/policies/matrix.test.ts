import { readFileSync } from "node:fs";
import { Account } from "../../src/entities/Account";
import { Authenticator } from "../../src/entities/Authenticator";
import { Credential } from "../../src/entities/Credential";
import { Event, PrincipalKind, UserEvent } from "../../src/entities/Event";
import { Invitation } from "../../src/entities/Invitation";
import { IPRestriction } from "../../src/entities/IPRestriction";
import { Membership, Provisioning } from "../../src/entities/Membership";
import {
  BillingRole,
  DeveloperRole,
  LOWEST,
  namesHeld,
  type Roles,
  TeamRole,
} from "../../src/entities/roles";
import { ServiceUser } from "../../src/entities/ServiceUser";
import { Session, Surface } from "../../src/entities/Session";
import { User } from "../../src/entities/User";
import { abilityIn, abilityOver } from "../../src/policies/abilities";
import type { Action, Subject } from "../../src/policies/ability";
import { policyTable } from "../../src/policies/policyTable";
import {
  type Machine,
  MACHINES,
  machineStanding,
  operatorNamed,
  SIGN_UP,
  type Standing,
  system,
} from "../../src/principal";

/** Each role alone, everything else at its lowest. */
const EVERYONE = {
  administrator: { administrator: true },
  "administrator's key": { administrator: true },
  manager: { team: TeamRole.MANAGER },
  inviter: { team: TeamRole.INVITE_ONLY },
  developer: { developer: DeveloperRole.READ_WRITE },
  billing: { billing: BillingRole.ACCESS },
  reader: {},
  bot: { developer: DeveloperRole.READ_WRITE },
} satisfies Record<string, Partial<Roles>>;
type Who = keyof typeof EVERYONE;

const everyone = Object.keys(EVERYONE) as Who[];
const members = everyone.filter((who) => who !== "bot");
const nobody: Who[] = [];
const manage: Action[] = ["updateRoles", "disable", "enable", "remove"];

/** What each role may do, on one screen. A change of policy starts by changing this table. */
// prettier-ignore
const table: [what: string, actions: Action[], row: Subject, who: Who[]][] = [
  ["see the account",                     ["read"],             row(Account, { id: "ours" }),                    everyone],
  ["run the account",                     ["update"],           row(Account, { id: "ours" }),                    ["administrator", "administrator's key"]],
  ["change the sign-in policy, close it", ["updateSignInPolicy", "delete"], row(Account, { id: "ours" }),        ["administrator"]],
  ["see members",                         ["read"],             row(Membership, someone()),                      everyone],
  ["see removed members",                 ["read"],             row(Membership, someone({ removedAt: new Date() })), nobody],
  ["manage a member",                     manage,               row(Membership, someone()),                      ["administrator", "administrator's key", "manager"]],
  ["manage an administrator",             manage,               row(Membership, someone({ administrator: true })), ["administrator", "administrator's key"]],
  ["add a member",                        ["create"],           row(Membership, someone()),                      nobody],
  ["leave",                               ["leave"],            row(Membership, someone({ id: "me" })),          members],
  ["make another leave",                  ["leave"],            row(Membership, someone()),                      nobody],
  ["see service users",                   ["read"],             row(ServiceUser, { deletedAt: null }),           everyone],
  ["create service users",                ["create"],           row(ServiceUser, {}),                            ["administrator", "administrator's key"]],
  ["see credentials",                     ["read"],             row(Credential, {}),                             everyone],
  ["create a credential of their own",    ["create"],           row(Credential, { membershipId: "me" }),         ["administrator", "administrator's key", "developer"]],
  ["create one of the service user's own", ["create"],          row(Credential, { serviceUserId: "me" }),        ["administrator", "administrator's key", "bot"]],
  ["create a credential for another",     ["create"],           row(Credential, { membershipId: "you" }),        ["administrator", "administrator's key"]],
  ["change and revoke a reader's",        ["update", "revoke"], row(Credential, owned()),                        ["administrator", "administrator's key", "developer", "bot"]],
  ["change and revoke a developer's",     ["update", "revoke"], row(Credential, owned("developer")),             ["administrator", "administrator's key", "developer", "bot"]],
  ["change and revoke an inviter's",      ["update", "revoke"], row(Credential, owned("inviter")),               ["administrator", "administrator's key"]],
  ["change and revoke a manager's",       ["update", "revoke"], row(Credential, owned("manager")),               ["administrator", "administrator's key"]],
  ["change and revoke a bookkeeper's",    ["update", "revoke"], row(Credential, owned("billing")),               ["administrator", "administrator's key"]],
  ["change and revoke an administrator's", ["update", "revoke"], row(Credential, owned("administrator")),        ["administrator", "administrator's key"]],
  ["see invitations",                     ["read"],             row(Invitation, {}),                             ["administrator", "administrator's key", "manager", "inviter"]],
  ["see IP restrictions",                 ["read"],             row(IPRestriction, {}),                          ["administrator", "administrator's key"]],
  ["see events of their own doing",       ["read"],             row(Event, { principalId: "my principal" }),     everyone],
  ["see events of others' doing",         ["read"],             row(Event, { principalId: "another" }),          ["administrator", "administrator's key", "manager"]],
  ["rewrite events",                      ["create", "update", "delete"], row(Event, {}),                        nobody],
  ["see another account",                 ["read"],             row(Account, { id: "theirs" }),                  nobody],
  ["see a stranger's membership",         ["read", ...manage],  row(Membership, someone({ accountId: "theirs" })), nobody],
  ["see a stranger's credential",         ["read", "revoke", "create"], row(Credential, { accountId: "theirs", membershipId: "me" }), nobody],
];

describe.each(table)("Y1: %s", (_what, actions, subject, who) => {
  it.each(everyone)("%s", (name) => {
    const ability = abilityIn(standing(name));
    for (const action of actions) {
      expect([action, ability.can(action, subject)]).toEqual([action, who.includes(name)]);
    }
  });
});

describe("T6, T7: what the operator may, and no other machine of ours nor the person", () => {
  const person = { ...system("usr"), kind: PrincipalKind.USER, surface: Surface.DASHBOARD };
  const others = [system("sign-up"), system("demo"), person].map(abilityOver);
  const commands: [what: string, action: Action, row: Subject][] = [
    ["reset a second factor", "resetMfa", row(User, { id: "usr" })],
    ["remove or encrypt again a stranger's", "update", row(Authenticator, { userId: "you" })],
    ["end a stranger's session", "end", row(Session, { userId: "you" })],
    ["read an account's events (M10)", "read", row(Event, {})],
    ["read a user's events", "read", row(UserEvent, { userId: "you" })],
    ["make the first account", "create", row(Account, {})],
    [
      "make its administrator",
      "create",
      row(Membership, { ...LOWEST, administrator: true, provisioning: Provisioning.FOUNDER }),
    ],
  ];
  it.each(commands)("%s", (_what, action, subject) => {
    expect(abilityOver(operatorNamed("root", "host")).can(action, subject)).toBe(true);
    expect(others.map((ability) => ability.can(action, subject))).toEqual([false, false, false]);
  });

  it.each<[what: string, action: Action, row: Subject]>([
    ["change a user", "update", row(User, {})],
    ["add a member", "create", row(Membership, someone({ provisioning: Provisioning.FOUNDER }))],
    ["change a member", "updateRoles", row(Membership, someone())],
    ["make a session", "create", row(Session, {})],
    ["write an event", "create", row(Event, {})],
  ])("the operator may not %s", (_what, action, subject) => {
    expect(abilityOver(operatorNamed("root", "host")).can(action, subject)).toBe(false);
  });
});

describe("machines of ours", () => {
  const abilityOf = (name: Machine) => abilityIn(machineStanding(name, "ours", name));
  const rules = (name: Machine) =>
    abilityOf(name).rules.map(({ action, subject }) => [action, (subject as typeof User).name]);

  it("may what their policy says and nothing else, reading included", () => {
    expect(Object.fromEntries(MACHINES.map((name) => [name, rules(name)]))).toEqual({
      directory: [],
      login: [],
      invitation: [["create", "Membership"]],
      system: [],
    });
    const own = [system(SIGN_UP), system("demo"), system("mail")].map((who) =>
      abilityOver(who).rules.map(({ action, subject }) => [action, (subject as typeof User).name]),
    );
    expect(own).toEqual([
      [
        ["create", "User"],
        ["create", "Identity"],
      ],
      [],
      [],
    ]);
  });

  it.each<[what: string, allowed: boolean, fields: Partial<Membership>]>([
    ["a member", true, { provisioning: Provisioning.INVITATION }],
    [
      "a member of another account",
      false,
      { provisioning: Provisioning.INVITATION, accountId: "x" },
    ],
    ["a founder", false, { provisioning: Provisioning.FOUNDER }],
  ])("I2: accepting an invitation makes %s: %p", (_what, allowed, fields) => {
    expect(abilityOf("invitation").can("create", row(Membership, someone(fields)))).toBe(allowed);
  });
});

it("Y7: docs/policy.md is what the rules say (`npm run policy` writes it)", () => {
  expect(readFileSync("docs/policy.md", "utf8")).toBe(policyTable());
});

function standing(name: Who): Standing {
  const isBot = name === "bot";
  return {
    accountId: "ours",
    principalId: "my principal",
    membershipId: isBot ? null : "me",
    serviceUserId: isBot ? "me" : null,
    roles: { ...LOWEST, ...EVERYONE[name] },
    surface: isBot || name === "administrator's key" ? Surface.API : Surface.DASHBOARD,
    facts: {},
    machine: null,
  };
}

function someone(fields: Partial<Membership> = {}): Partial<Membership> {
  return { ...LOWEST, removedAt: null, ...fields };
}

function owned(by: Who = "reader"): Partial<Credential> {
  return { membershipId: "you", ownerRoles: namesHeld({ ...LOWEST, ...EVERYONE[by] }) };
}

function row<T extends Subject>(type: new () => T, fields: Partial<T>): T {
  return Object.assign(new type(), { id: "it", accountId: "ours" }, fields);
}
