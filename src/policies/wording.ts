import type { Action } from "./ability";

/** The name of an entity in messages and docs: "Member", "Service user", "IP restriction". */
export function subjectName(entity: string): string {
  return entity === "Membership"
    ? "Member"
    : entity.replace(
        /(?<=[a-z]|^IP)([A-Z])(?=[a-z])/g,
        (_, letter: string) => ` ${letter.toLowerCase()}`,
      );
}

const VERBS: Partial<Record<Action, string>> = {
  updateRoles: "change the roles of",
  updateSignInPolicy: "change the sign-in policy of",
  resetMfa: "reset the second factor of",
};

/** The words for an action before its object: "change the roles of" this member. */
export function verb(action: Action): string {
  return VERBS[action] ?? action;
}
