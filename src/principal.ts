import { PrincipalKind } from "./entities/Event";
import type { SignInMethod, Surface } from "./entities/Session";
import { LOWEST, type Roles } from "./entities/roles";

/** One request, as it arrived: for events and logs, never for decisions about rights. */
export interface Request {
  id: string;
  /** Canonical address, IPv4 never as `::ffff:`; null for the command line and jobs. */
  ip: string | null;
  userAgent: string | null;
  /** Where an answer can tell them: what the caller should know of a request that goes through. */
  warnings?: Warning[];
}

/** What goes through, and would be refused if an account enforced one of its restrictions (R2). */
export interface Warning {
  code: string;
  message: string;
  accountId: string;
}

/** Who was authenticated, and how. Nothing about rights is in it. */
export interface Principal {
  kind: PrincipalKind;
  /** The user's or service user's id. */
  id: string;
  /** A user's email, a service user's name, a job's name: how events name them. */
  subject: string;
  name: string;
  emailVerified: boolean;
  surface: Surface | null;
  sessionId: string | null;
  credentialId: string | null;
  /** The one account an API key reaches; null for a person, who may be in several. */
  accountId: string | null;
  methods: SignInMethod[];
  authenticatedAt: Date | null;
}

/**
 * A principal's place in one account at this moment: what rules look at. Read anew for every
 * request, and once more inside every transaction.
 */
export interface Standing {
  accountId: string;
  /** The user's or service user's id, which their events carry. */
  principalId: string;
  membershipId: string | null;
  serviceUserId: string | null;
  roles: Roles;
  /** Whether a person asks in a session, or a program by a key; null for a machine of ours. */
  surface: Surface | null;
  /** What the gate looks at, by the names of its conditions (policies/gate.ts). */
  facts: Readonly<Record<string, unknown>>;
  /** The machine of ours that acts, instead of a member. */
  machine: Machine | null;
}

/**
 * Machines of ours that act in an account without being a member: a directory that provisions people
 * (SCIM), a login that does (JIT), the acceptance of an invitation, and jobs.
 */
export const MACHINES = ["directory", "login", "invitation", "system"] as const;
export type Machine = (typeof MACHINES)[number];

/** A machine in an account: it has no role there, and what `policies/machine.ts` allows it. */
export function machineStanding(
  machine: Machine,
  accountId: string,
  principalId: string,
): Standing {
  const none = { membershipId: null, serviceUserId: null, surface: null, facts: {} };
  return { ...none, accountId, principalId, roles: LOWEST, machine };
}

/** A job of ours, or an operator at the command line, by the name events give it. */
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

/** The id of what creates users, by which events know it and its rules go. */
export const SIGN_UP = "sign-up";

/** The id that events give whoever runs the command line, and that their rules go by. */
export const OPERATOR = "operator";

/** Whoever runs the command line, as the operating system knows them. */
export function operatorNamed(user: string, host: string): Principal {
  return { ...system(OPERATOR), subject: `operator ${user}@${host}` };
}
