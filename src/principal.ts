import { PrincipalKind } from "./entities/Event";
import type { SignInMethod, Surface } from "./entities/Session";
import { LOWEST, type Roles } from "./entities/roles";

/** A request as it arrived, for events and logs. No rule decides by it. */
export interface Request {
  id: string;
  /** Canonical address, IPv4 never as `::ffff:`; null for the command line and jobs. */
  ip: string | null;
  userAgent: string | null;
  /** Warnings for the caller, where the answer can have them. */
  warnings?: Warning[];
}

/** Says that a request would be refused if an account enforced one of its restrictions (R2). */
export interface Warning {
  code: string;
  message: string;
  accountId: string;
}

/** The user or service user who was authenticated, and how. It says nothing about rights. */
export interface Principal {
  kind: PrincipalKind;
  /** The user's or service user's id. */
  id: string;
  /** The name in events: a user's email, a service user's name, or a job's name. */
  subject: string;
  name: string;
  emailVerified: boolean;
  surface: Surface | null;
  sessionId: string | null;
  credentialId: string | null;
  /** The only account that an API key reaches; null for a session, which may reach several. */
  accountId: string | null;
  methods: SignInMethod[];
  authenticatedAt: Date | null;
}

/**
 * A principal's present place in one account, which the rules decide by. It is read for every request, and
 * again in every transaction.
 */
export interface Standing {
  accountId: string;
  /** The user's or service user's ID, which is in their events. */
  principalId: string;
  membershipId: string | null;
  serviceUserId: string | null;
  roles: Roles;
  /** A session or an API key; null for a machine. */
  surface: Surface | null;
  /** The facts that the gate judges, by the names of its conditions (policies/gate.ts). */
  facts: Readonly<Record<string, unknown>>;
  /** The machine that acts in place of a member; null for a member. */
  machine: Machine | null;
}

/**
 * Parts of Gatehouse that act in an account without being a member: a directory that provisions members
 * (SCIM), a login that provisions them (JIT), the acceptance of an invitation, and jobs.
 */
export const MACHINES = ["directory", "login", "invitation", "system"] as const;
export type Machine = (typeof MACHINES)[number];

/** The standing of a machine in an account. It has no role, and may do what `policies/machine.ts` allows. */
export function machineStanding(
  machine: Machine,
  accountId: string,
  principalId: string,
): Standing {
  const none = { membershipId: null, serviceUserId: null, surface: null, facts: {} };
  return { ...none, accountId, principalId, roles: LOWEST, machine };
}

/** The principal of a job, or of an operator at the command line, by its name in events. */
export function system(name: string): Principal {
  return {
    kind: PrincipalKind.SYSTEM,
    id: name,
    subject: name,
    name,
    emailVerified: false,
    surface: null,
    sessionId: null,
    credentialId: null,
    accountId: null,
    methods: [],
    authenticatedAt: null,
  };
}

/** The ID of the principal that creates users. Events have it, and its rules ask for it. */
export const SIGN_UP = "sign-up";

/** The ID of the operator as a principal. Events have it, and the operator's rules ask for it. */
export const OPERATOR = "operator";

/** The operator at the command line, with their names in the operating system. */
export function operatorNamed(user: string, host: string): Principal {
  return { ...system(OPERATOR), subject: `operator ${user}@${host}` };
}
