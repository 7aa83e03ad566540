import { Membership, Provisioning } from "../entities/Membership";
import type { Policy } from "./ability";

/** What each machine may do in an account. A machine may do nothing else there, and sees nothing. */
export const machine: Policy = ({ allow }, who) => {
  if (who.machine === "invitation") {
    allow("create", Membership, "Accepting an invitation makes a member.", {
      provisioning: Provisioning.INVITATION,
    });
  }
};
