import { z } from "zod";
import { sql } from "../../database/sql";
import { Account } from "../../entities/Account";
import { Credential, CredentialKind } from "../../entities/Credential";
import { Membership, Provisioning } from "../../entities/Membership";
import { LOWEST } from "../../entities/roles";
import { ServiceUser } from "../../entities/ServiceUser";
import { Refusal, Refused } from "../../errors";
import { newToken } from "../../identity/tokens";
import { kindOf, newId } from "../../ids";
import type { Transaction } from "../../context/transaction";

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

/**
 * Refuses to take an account's last active administrator away (M7).
 *
 * The transaction holds the account. Without that, two administrators could each see the other
 * and leave in the same instant.
 */
export async function keepAnAdministrator(tx: Transaction, leaving: Membership): Promise<void> {
  if (!leaving.administrator || leaving.disabledAt) return;
  const others = await tx.query(sql`
    select from memberships where account_id = ${leaving.accountId} and id <> ${leaving.id}
      and administrator and disabled_at is null and removed_at is null limit 1`);
  if (others.length) return;
  throw new Refused(
    Refusal.LAST_ADMINISTRATOR,
    "This is the account's last active administrator. Make another member an administrator first.",
  );
}

/** Ends a membership: whoever comes back gets a new one, and old credentials stay revoked (M5). */
export async function endMembership(tx: Transaction, member: Membership): Promise<void> {
  await keepAnAdministrator(tx, member);
  member.removedAt = tx.now;
  await tx.save(member);

  const credentials = await tx.rows(
    Credential,
    sql`row.membership_id = ${member.id} and row.revoked_at is null`,
  );
  tx.entail("revoke", credentials, member);
  for (const credential of credentials) credential.revokedAt = tx.now;
  await tx.saveAll(credentials, "revokedAt");
  await tx.record("credential_revoked.v1", ...credentials);
}

export interface NewCredential {
  /** A member or service user of the account; the caller where absent. */
  ownerId?: string | null | undefined;
  description?: string | null | undefined;
  metadata?: string | null | undefined;
  expiresAt?: Date | null | undefined;
}

/** Makes a credential. Its secret is in the answer and nowhere else. */
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
    description: boundedText(description ?? "", ["description"], 255),
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
  if (owner !== (membershipId ?? serviceUserId)) tx.requireFresh(credential);
  if (disabledAt) {
    throw new Refused(Refusal.BAD_USER_INPUT, "The owner is disabled. Enable them first.", [
      "ownerId",
    ]);
  }
  if (expiresAt && expiresAt <= tx.now) {
    throw new Refused(
      Refusal.BAD_USER_INPUT,
      `Choose a time in the future; ${expiresAt.toISOString()} is over.`,
      ["expiresAt"],
    );
  }
  await tx.save(credential);
  await tx.record(isKey ? "api_key_created.v1" : "authtoken_created.v1", credential);
  return { credential: credential as C, secret };
}

/** The caller's own membership, for what only a member can do. */
export async function ownMembership(tx: Transaction, action: "leave"): Promise<Membership> {
  const { membershipId, accountId } = tx.standing!;
  const member = membershipId
    ? await tx.lock(Membership, membershipId)
    : Object.assign(new Membership(), { accountId }); // a service user's: there is none
  tx.authorize(action, member);
  return member;
}

/** An email address as it is kept: in lower case, without white space around it. */
export function emailFrom(text: string, field: string[]): string {
  const email = text.trim().toLowerCase();
  if (z.email().safeParse(email).success) return boundedText(email, field, 254);
  throw new Refused(Refusal.BAD_USER_INPUT, "This is no email address.", field);
}

/** A name without white space around it. */
export function nameFrom(text: string, field: string[]): string {
  const name = text.trim();
  if (!name) throw new Refused(Refusal.BAD_USER_INPUT, "Give it a name.", field);
  return boundedText(name, field, 255);
}

export function boundedText(text: string, field: string[], maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw new Refused(
    Refusal.BAD_USER_INPUT,
    `Use at most ${maxBytes} bytes; this has ${bytes}.`,
    field,
  );
}
