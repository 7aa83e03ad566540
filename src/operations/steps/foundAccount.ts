import type { Transaction } from "../../context/transaction";
import { Account } from "../../entities/Account";
import { Membership, Provisioning } from "../../entities/Membership";
import { LOWEST } from "../../entities/roles";
import { newId } from "../../ids";

/** Creates an account, with this user as its first administrator (M1). */
export async function foundAccount(
  tx: Transaction,
  name: string,
  userId: string,
): Promise<Account> {
  const account = Object.assign(new Account(), {
    id: newId("Account"),
    name,
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
    userId,
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
}
