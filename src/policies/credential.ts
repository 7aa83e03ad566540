import { Credential } from "../entities/Credential";
import { DeveloperRole, namesAbove } from "../entities/roles";
import type { Policy } from "./ability";

/**
 * Who may see, make, change and revoke credentials.
 *
 * Everyone sees their metadata. A developer changes and revokes all but those of an owner with a role
 * above the developer's own (C11): a credential can do what its owner may do.
 */
export const credential: Policy = ({ allow }, who) => {
  allow("read", Credential, "Everyone in an account sees the metadata of its credentials.");

  if (who.roles.developer === DeveloperRole.READ_WRITE) {
    const own = who.membershipId
      ? { membershipId: who.membershipId }
      : { serviceUserId: who.serviceUserId };
    allow("create", Credential, "Developers create credentials of their own.", own);
    allow(
      ["update", "revoke"],
      Credential,
      "Developers change and revoke credentials of owners with no role above their own.",
      { ownerRoles: { $nin: namesAbove(who.roles) } },
    );
  }
  if (who.roles.administrator) {
    allow(
      ["create", "update", "revoke"],
      Credential,
      "Administrators manage every credential, and create them for any owner.",
    );
  }
};
