import { Membership, Provisioning } from "../entities/Membership";
import type { Policy } from "./ability";

/** What each machine of ours may do in an account. It may do nothing else there, nor see anything. */
export const machine: Policy = ({ allow }, who) => {
  if (who.machine === "invitation") {
    allow("create", Membership, "Accepting an invitation makes a member.", {
      provisioning: Provisioning.INVITATION,
    });
  }
};
