import { Invitation } from "../entities/Invitation";
import { TeamRole } from "../entities/roles";
import type { Policy } from "./ability";

/** Whoever may invite sees the invitations. */
export const invitation: Policy = ({ allow }, who) => {
  if (who.roles.administrator || who.roles.team !== TeamRole.READ_ONLY) {
    allow("read", Invitation, "Whoever may invite sees the account's invitations.");
  }
};
