import { Account } from "../entities/Account";
import type { Policy } from "./ability";

/** Everyone sees the account they are in; running it is for administrators. */
export const account: Policy = ({ allow }, who) => {
  allow("read", Account, "Everyone in an account sees it.");
  if (who.roles.administrator) {
    allow(["update", "delete"], Account, "Administrators run the account.");
  }
};
