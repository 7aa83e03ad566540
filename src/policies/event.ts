import { Event } from "../entities/Event";
import { TeamRole } from "../entities/roles";
import type { Policy } from "./ability";

/** Everyone sees what they did themselves. Administrators and team managers see all events. */
export const event: Policy = ({ allow }, who) => {
  allow("read", Event, "Everyone sees the events of what they did themselves.", {
    principalId: who.principalId,
  });
  if (who.roles.administrator || who.roles.team === TeamRole.MANAGER) {
    allow("read", Event, "Administrators and team managers see all events of the account.");
  }
};
