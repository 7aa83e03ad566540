import { registerEnumType } from "type-graphql";

export enum DeveloperRole {
  READ_WRITE = "READ_WRITE",
  READ_ONLY = "READ_ONLY",
}
registerEnumType(DeveloperRole, {
  name: "DeveloperRole",
  description: "What a member may do with credentials and agents.",
  valuesConfig: {
    READ_WRITE: {
      description:
        "Creates credentials of their own. Changes and revokes those of owners with no role above their own.",
    },
    READ_ONLY: { description: "Sees credentials." },
  },
});

export enum TeamRole {
  MANAGER = "MANAGER",
  INVITE_ONLY = "INVITE_ONLY",
  READ_ONLY = "READ_ONLY",
}
registerEnumType(TeamRole, {
  name: "TeamRole",
  description: "What a member may do with other members.",
  valuesConfig: {
    MANAGER: { description: "Invites and manages members who are not administrators." },
    INVITE_ONLY: { description: "Invites." },
    READ_ONLY: { description: "Sees members." },
  },
});

export enum BillingRole {
  ACCESS = "ACCESS",
  NONE = "NONE",
}
registerEnumType(BillingRole, {
  name: "BillingRole",
  description: "What a member may do with billing details.",
  valuesConfig: {
    ACCESS: { description: "Sees and changes billing details." },
    NONE: { description: "Nothing." },
  },
});

/** Every membership has all four. A service user has the developer role and the lowest of the rest. */
export interface Roles {
  administrator: boolean;
  developer: DeveloperRole;
  team: TeamRole;
  billing: BillingRole;
}

export type Role = keyof Roles;

/** The values of each role, from highest to lowest. */
export const RANKS: { readonly [R in Role]: readonly Roles[R][] } = {
  administrator: [true, false],
  developer: [DeveloperRole.READ_WRITE, DeveloperRole.READ_ONLY],
  team: [TeamRole.MANAGER, TeamRole.INVITE_ONLY, TeamRole.READ_ONLY],
  billing: [BillingRole.ACCESS, BillingRole.NONE],
};

export const ROLES = Object.keys(RANKS) as Role[];

/** The lowest value of each role. */
export const LOWEST: Roles = {
  administrator: false,
  developer: DeveloperRole.READ_ONLY,
  team: TeamRole.READ_ONLY,
  billing: BillingRole.NONE,
};

/** The four roles of a row, without its other columns. */
export function rolesOf({ administrator, developer, team, billing }: Roles): Roles {
  return { administrator, developer, team, billing };
}

/** The name of a role's value in messages: "administrator", "team MANAGER". */
export function roleName(role: Role, value: Roles[Role]): string {
  return role === "administrator" ? "administrator" : `${role} ${String(value)}`;
}

/** The roles that are higher in `wanted` than in `own`. */
export function rolesAbove(wanted: Roles, own: Roles): Role[] {
  return ROLES.filter((role) => rank(wanted, role) < rank(own, role));
}

/** Every role value above `own`, by name. A caller with `own` may not act on its holders (C11). */
export function namesAbove(own: Roles): string[] {
  return ROLES.flatMap((role) =>
    RANKS[role].slice(0, rank(own, role)).map((value) => roleName(role, value)),
  );
}

/** Every role value above the lowest that `roles` holds, by name. */
export function namesHeld(roles: Roles): string[] {
  return ROLES.filter((role) => roles[role] !== LOWEST[role]).map((role) =>
    roleName(role, roles[role]),
  );
}

function rank(roles: Roles, role: Role): number {
  return (RANKS[role] as readonly unknown[]).indexOf(roles[role]);
}
