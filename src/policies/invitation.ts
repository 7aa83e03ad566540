import { Invitation } from "../entities/Invitation";
import { TeamRole } from "../entities/roles";
import type { Policy } from "./ability";

/** Members who may invite see the invitations. */
export const invitation: Policy = ({ allow }, who) => {
  if (who.roles.administrator || who.roles.team !== TeamRole.READ_ONLY) {
    allow("read", Invitation, "Members who may invite see the account's invitations.");
  }
};
