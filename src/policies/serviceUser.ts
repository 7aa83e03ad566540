import { ServiceUser } from "../entities/ServiceUser";
import type { Policy } from "./ability";

/** Everyone sees the account's service users. Only administrators create them. */
export const serviceUser: Policy = ({ allow }, who) => {
  allow("read", ServiceUser, "Everyone in an account sees its service users.", {
    deletedAt: null,
  });
  if (who.roles.administrator) {
    allow("create", ServiceUser, "Administrators create service users.");
  }
};
