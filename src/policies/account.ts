import { Account } from "../entities/Account";
import { Surface } from "../entities/Session";
import type { Policy } from "./ability";

/**
 * Everyone in an account sees it, and administrators change it. Only a person in a session changes how
 * members get in, or deletes the account: an attacker may use a leaked API key for a long time.
 */
export const account: Policy = ({ allow }, who) => {
  allow("read", Account, "Everyone in an account sees it.");
  if (!who.roles.administrator) return;
  allow("update", Account, "Administrators change the account's settings.");
  if (who.surface !== Surface.DASHBOARD) return;
  allow(
    ["updateSignInPolicy", "delete"],
    Account,
    "Administrators decide how members get in, and may delete the account: in a session, not with an API key.",
  );
};
