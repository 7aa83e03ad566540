import { Account } from "../entities/Account";
import { Surface } from "../entities/Session";
import type { Policy } from "./ability";

/**
 * Everyone sees the account they are in; running it is for administrators. How people get in, and
 * whether the account stays, takes a person: a key may be in the wrong hands for long.
 */
export const account: Policy = ({ allow }, who) => {
  allow("read", Account, "Everyone in an account sees it.");
  if (!who.roles.administrator) return;
  allow("update", Account, "Administrators run the account.");
  if (who.surface !== Surface.DASHBOARD) return;
  allow(
    ["updateSignInPolicy", "delete"],
    Account,
    "Administrators decide how people get in and close the account, in a session and by no key.",
  );
};
