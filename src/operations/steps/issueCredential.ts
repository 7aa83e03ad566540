import type { Transaction } from "../../context/transaction";
import { Credential, CredentialKind } from "../../entities/Credential";
import { Membership } from "../../entities/Membership";
import { ServiceUser } from "../../entities/ServiceUser";
import { Refusal, Refused } from "../../errors";
import { newToken } from "../../identity/tokens";
import { kindOf, newId } from "../../ids";
import { boundedText, lineFrom } from "./lineFrom";

/** A year has four digits in ISO 8601, and in the columns that hold moments. */
const LAST_YEAR = 9999;

export interface NewCredential {
  /** A member or service user of the account; the caller where absent. */
  ownerId?: string | null | undefined;
  description?: string | null | undefined;
  metadata?: string | null | undefined;
  expiresAt?: Date | null | undefined;
}

/**
 * Creates a credential. Only the answer has its secret. In a session it takes a fresh proof, for the
 * caller's own credentials too: a credential outlives the session in which it was created.
 */
export async function issueCredential<C extends Credential>(
  tx: Transaction,
  kind: CredentialKind,
  { ownerId, description, metadata, expiresAt }: NewCredential,
): Promise<{ credential: C; secret: string }> {
  const { accountId, membershipId, serviceUserId } = tx.standing!;
  const owner = ownerId ?? membershipId ?? serviceUserId!;
  const byService = kindOf(owner) === "ServiceUser";
  const { disabledAt } = await tx.lock<Membership | ServiceUser>(
    byService ? ServiceUser : Membership,
    owner,
  );
  const isKey = kind === CredentialKind.API_KEY;
  const { text: secret, hash } = newToken(kind, accountId);
  const credential = Object.assign(new Credential(), {
    accountId,
    id: newId(isKey ? "ApiKey" : "Authtoken"),
    kind,
    membershipId: byService ? null : owner,
    serviceUserId: byService ? owner : null,
    description: lineFrom(description ?? "", ["description"]),
    metadata: boundedText(metadata ?? "", ["metadata"], 4096),
    secretHash: hash,
    lastFour: secret.slice(-4),
    expiresAt: expiresAt ?? null,
    revokedAt: null,
    lastUsedAt: null,
    lastUsedIp: null,
    createdAt: tx.now,
  });
  tx.authorize("create", credential);
  tx.requireFresh(credential);
  if (disabledAt) {
    throw new Refused(Refusal.BAD_USER_INPUT, "The owner is disabled. Enable the owner first.", [
      "ownerId",
    ]);
  }
  if (expiresAt && expiresAt <= tx.now) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Choose a time in the future; ${expiresAt.toISOString()} is in the past.`,
      ["expiresAt"],
    );
  }
  if (expiresAt && expiresAt.getUTCFullYear() > LAST_YEAR) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Choose a time up to the end of the year ${LAST_YEAR} (UTC), or none for a credential that does not expire.`,
      ["expiresAt"],
    );
  }
  await tx.save(credential);
  await tx.record(isKey ? "api_key_created.v1" : "authtoken_created.v1", credential);
  return { credential: credential as C, secret };
}
