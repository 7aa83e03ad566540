import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Authenticator } from "../../entities/Authenticator";
import { SignInMethod } from "../../entities/Session";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import {
  newRecoveryCodes,
  recoveryCodeHash,
  recoveryCodesText,
} from "../../identity/recoveryCodes";
import { totpStep } from "../../identity/totp";
import type { Transaction } from "../../context/transaction";
import { queueNotice, tryAt } from "./proving";

/** The caller's authenticator that is on, held until commit; null where they have none. */
export async function lockAuthenticator(tx: Transaction): Promise<Authenticator | null> {
  const [found] = await tx.rows(
    Authenticator,
    sql`row.user_id = ${tx.principal.id} and row.confirmed_at is not null and row.removed_at is null`,
  );
  return found ?? null;
}

/** The one that they are setting up. */
export async function lockPending(tx: Transaction): Promise<Authenticator | null> {
  const [found] = await tx.rows(
    Authenticator,
    sql`row.user_id = ${tx.principal.id} and row.confirmed_at is null and row.removed_at is null`,
  );
  return found ?? null;
}

/** Without the space that apps show in the middle. */
export const bare = (code: string) => code.replace(/\s/g, "");

/** What a code is, by how it looks: six digits are the app's. */
export function methodOf(code: string): SignInMethod {
  return /^\d{6}$/.test(bare(code)) ? SignInMethod.TOTP : SignInMethod.RECOVERY_CODE;
}

/**
 * Uses up a code of the caller's app or a recovery code. The authenticator is held, so that of many
 * at once with the same code one is first.
 *
 * @throws Unauthenticated (MFA_INVALID) for one that is wrong or used up.
 */
export async function useCode(
  tx: Transaction,
  ctx: Context,
  authenticator: Authenticator,
  code: string,
): Promise<void> {
  const { id } = authenticator;
  const [kept] = await tx.query<Pick<Authenticator, "sealedSecret" | "recoveryCodeHashes">>(sql`
    select sealed_secret as "sealedSecret", recovery_code_hashes as "recoveryCodeHashes"
    from authenticators where id = ${id}`);
  const { sealedSecret, recoveryCodeHashes: hashes } = kept!;
  if (methodOf(code) === SignInMethod.TOTP) {
    const key = openSecret(ctx, authenticator, sealedSecret!);
    const step = totpStep(key, bare(code), tx.now);
    const accepted =
      step === null
        ? []
        : await tx.unrecorded("authenticators.last_step").query(sql`
      update authenticators set last_step = ${step} where id = ${id} and last_step < ${step}
      returning id`);
    if (!accepted.length) throw wrongCode();
    return;
  }
  const hash = recoveryCodeHash(code);
  const left = hashes.filter((one) => !hash?.equals(one));
  if (left.length === hashes.length) throw wrongCode();
  tx.authorize("update", authenticator);
  authenticator.recoveryCodeHashes = left;
  authenticator.recoveryCodesLeft = left.length;
  await tx.save(authenticator);
  await tx.record("recovery_code_used.v1", authenticator);
  await queueNotice(tx, ctx, "recoveryCodeUsed", String(left.length));
}

/** Secrets are sealed for the row they are in. */
export const secretPlace = ({ id }: Pick<Authenticator, "id">) => `authenticators ${id}`;

export function openSecret(ctx: Context, row: Authenticator, sealed: Buffer): Buffer {
  return ctx.services.keyring.open({ keyId: row.keyId, sealed }, secretPlace(row));
}

export function wrongCode(): Unauthenticated {
  return new Unauthenticated(
    "This code is wrong, or was used before. Enter the one that your app shows next, or a recovery code.",
    "MFA_INVALID",
  );
}

/** Removes an authenticator; its secrets are gone. */
export async function removeAuthenticator(tx: Transaction, row: Authenticator): Promise<void> {
  tx.authorize("update", row);
  row.removedAt = tx.now;
  row.sealedSecret = null;
  row.recoveryCodeHashes = [];
  row.recoveryCodesLeft = 0;
  await tx.save(row);
  await tx.record("authenticator_removed.v1", row);
}

export interface RecoveryCodes {
  codes: string[];
  /** The same as a text file to keep. */
  text: string;
}

/** Makes new recovery codes; those before are void. They are in the answer and nowhere else. */
export function renewRecoveryCodes(
  { services, principal }: Context,
  authenticator: Authenticator,
  now: Date,
): RecoveryCodes {
  const { codes, hashes } = newRecoveryCodes();
  authenticator.recoveryCodeHashes = hashes;
  authenticator.recoveryCodesLeft = hashes.length;
  authenticator.recoveryCodesCreatedAt = now;
  return { codes, text: recoveryCodesText(codes, services.name, principal.subject) };
}

/** A code is owed and was not sent. */
export function codeOwed(): Refused {
  return new Refused(
    Refusal.MFA_CHALLENGE,
    "Send a code of your authenticator app, or a recovery code, as `code`.",
    ["code"],
  );
}

/** The caller's try at a code of their own. Whoever has no session is refused, and guesses at nothing. */
export function tryCode<T>(ctx: Context, check: () => Promise<T>): Promise<T> {
  const { principal: who } = ctx;
  if (!who.sessionId) return check();
  return tryAt(ctx, { secret: "code", email: who.subject, who }, check);
}
