import type { Transaction } from "../../context/transaction";
import { User } from "../../entities/User";
import { voidSignUps } from "../../identity/oneTimeTokens";
import { newId } from "../../ids";

/** Creates a user whose email is confirmed. It voids all other sign-ups with that email. */
export async function createUser(
  tx: Transaction,
  fields: Pick<User, "email" | "name" | "passwordHash" | "language">,
): Promise<User> {
  const user = Object.assign(new User(), {
    id: newId("User"),
    ...fields,
    emailVerifiedAt: tx.now,
    mfaEnabledAt: null,
    createdAt: tx.now,
  });
  tx.authorize("create", user);
  await tx.save(user);
  await tx.record("user_created.v1", user);
  await voidSignUps(tx.unrecorded("one_time_tokens"), user.email);
  return user;
}
