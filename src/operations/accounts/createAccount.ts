import type { Context } from "../../context";
import { Account } from "../../entities/Account";
import { Membership, Provisioning } from "../../entities/Membership";
import { LOWEST } from "../../entities/roles";
import { newId } from "../../ids";
import { nameFrom } from "../invariants";

/**
 * Creates an account, with the caller as its first administrator (M1).
 *
 * @throws Forbidden for an API key, and for a user whose email is not verified.
 * @throws Refused (BAD_USER_INPUT) for an empty or too long name.
 */
export async function createAccount(ctx: Context, name: string): Promise<Account> {
  return ctx.self.transaction(async (tx) => {
    const account = Object.assign(new Account(), {
      id: newId("Account"),
      name: nameFrom(name, ["name"]),
      mfaRequired: false,
      deletedAt: null,
      createdAt: tx.now,
    });
    tx.authorize("create", account);
    await tx.save(account);
    await tx.record("account_created.v1", account);

    const founder = Object.assign(new Membership(), {
      accountId: account.id,
      id: newId("Membership"),
      userId: tx.principal.id,
      ...LOWEST,
      administrator: true,
      provisioning: Provisioning.FOUNDER,
      disabledAt: null,
      removedAt: null,
      createdAt: tx.now,
    });
    tx.authorize("create", founder);
    await tx.save(founder);
    await tx.record("member_added.v1", founder);
    return account;
  });
}
