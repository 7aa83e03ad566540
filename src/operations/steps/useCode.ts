import type { Context } from "../../context/context";
import type { Transaction } from "../../context/transaction";
import { sql } from "../../database/sql";
import type { Authenticator } from "../../entities/Authenticator";
import { SignInMethod } from "../../entities/Session";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { recoveryCodeHash } from "../../identity/recoveryCodes";
import { totpStep } from "../../identity/totp";
import { openTotpSecret } from "./openTotpSecret";
import { queueNotice } from "./queueNotice";
import { bare, methodOf } from "./secondFactor";

/**
 * Uses up a code of the caller's app, or a recovery code. The transaction has locked the authenticator,
 * so only one of several requests with the same code succeeds.
 *
 * @throws Unauthenticated (MFA_INVALID) for a wrong or used code.
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
    const key = openTotpSecret(ctx, authenticator, sealedSecret!);
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

export function wrongCode(): Unauthenticated {
  return new Unauthenticated(
    "This code is wrong, or was used before. Enter the next code that your app shows, or a recovery code.",
    "MFA_INVALID",
  );
}

/** The error for a request without the code that it needs. */
export function codeOwed(): Refused {
  return new Refused(
    Refusal.MFA_CHALLENGE,
    "Send a code of your authenticator app, or a recovery code, as `code`.",
    ["code"],
  );
}
