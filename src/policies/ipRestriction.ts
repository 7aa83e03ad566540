import { IPRestriction } from "../entities/IPRestriction";
import { IPRule } from "../entities/IPRule";
import type { Policy } from "./ability";

/** Only administrators see which addresses may reach the account. */
export const ipRestriction: Policy = ({ allow }, who) => {
  for (const subject of [IPRestriction, IPRule] as const) {
    if (who.roles.administrator) {
      allow("read", subject, "Administrators see the account's IP restrictions.");
    }
  }
};
