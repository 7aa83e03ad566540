import type { Action } from "./ability";

/** What people call a kind of row: "Member", "Service user", "IP restriction". */
export function subjectName(entity: string): string {
  return entity === "Membership"
    ? "Member"
    : entity.replace(
        /(?<=[a-z]|^IP)([A-Z])(?=[a-z])/g,
        (_, letter: string) => ` ${letter.toLowerCase()}`,
      );
}

/** What people call an action, before its object: "change the roles of this member". */
export function verb(action: Action): string {
  return action === "updateRoles" ? "change the roles of" : action;
}
