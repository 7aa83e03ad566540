import { Membership } from "../entities/Membership";
import { TeamRole } from "../entities/roles";
import type { Action, Policy } from "./ability";

const MANAGE: readonly Action[] = ["updateRoles", "disable", "enable", "remove"];

/**
 * Who may see and manage the people in an account.
 *
 * Only administrators act on administrators, so a team manager can't lock them out. The last rule is
 * checked on the row before a change and again after it, so it also keeps a team manager from making
 * an administrator.
 */
export const membership: Policy = ({ allow, forbid }, who) => {
  allow("read", Membership, "Everyone in an account sees its members.", { removedAt: null });

  if (who.roles.team === TeamRole.MANAGER) {
    allow(MANAGE, Membership, "Team managers manage members who are not administrators.", {
      administrator: false,
    });
  }
  if (who.roles.administrator) {
    allow(MANAGE, Membership, "Administrators manage every member.");
  }
  if (who.membershipId) {
    allow("leave", Membership, "Members may leave.", { id: who.membershipId });
  }

  if (!who.roles.administrator) {
    forbid(
      MANAGE,
      Membership,
      "Only an administrator acts on an administrator, or makes one.",
      { administrator: true },
      "ADMINISTRATOR_REQUIRED",
    );
  }
};
