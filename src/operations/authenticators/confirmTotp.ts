import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import type { Authenticator } from "../../entities/Authenticator";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { isFresh } from "../../identity/sessions";
import { totpStep } from "../../identity/totp";
import { endSessions } from "../steps/endSessions";
import { lockAuthenticator, lockPending } from "../steps/lockAuthenticator";
import { lockSelf } from "../steps/lockSelf";
import { openTotpSecret } from "../steps/openTotpSecret";
import { queueNotice } from "../steps/queueNotice";
import { removeAuthenticator } from "../steps/removeAuthenticator";
import { type NewRecoveryCodes, renewRecoveryCodes } from "../steps/renewRecoveryCodes";
import { bare } from "../steps/secondFactor";
import { tryCode } from "../steps/tryCode";

/**
 * Confirms an app with a first code. It replaces the app before, if any; otherwise it turns the second
 * factor on, and the other sessions end. Only the answer has the recovery codes (T1).
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) where no app was set up in the last 15 minutes.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function confirmTotp(
  ctx: Context,
  code: string,
): Promise<{ authenticator: Authenticator; recoveryCodes: NewRecoveryCodes }> {
  return tryCode(ctx, "set-up", () =>
    ctx.self.transaction(async (tx) => {
      const user = await lockSelf(tx);
      tx.requireFresh(user);
      const present = await lockAuthenticator(tx);
      const authenticator = await lockPending(tx);
      if (!authenticator || !isFresh(authenticator.createdAt, tx.now)) {
        const message =
          "No app was set up in the last 15 minutes. Set one up first: call `enrollTotp`.";
        throw new Refused(Refusal.CONFLICT, message);
      }
      const [kept] = await tx.query<{ sealed: Buffer }>(sql`
        select sealed_secret as sealed from authenticators where id = ${authenticator.id}`);
      const step = totpStep(openTotpSecret(ctx, authenticator, kept!.sealed), bare(code), tx.now);
      if (step === null) {
        const message =
          "This code is wrong. Enter the code that the new app shows, and check that its clock is right.";
        throw new Unauthenticated(message, "MFA_INVALID");
      }

      if (present) await removeAuthenticator(tx, present);
      tx.authorize("update", authenticator);
      authenticator.lastStep = step;
      authenticator.confirmedAt = tx.now;
      const recoveryCodes = renewRecoveryCodes(ctx, authenticator, tx.now);
      await tx.save(authenticator);
      await tx.record("authenticator_confirmed.v1", authenticator);
      if (!present) {
        user.mfaEnabledAt = tx.now;
        await tx.save(user);
        await tx.record("mfa_enabled.v1", user);
        // They were opened without a second factor, and an intruder in one could turn it off.
        await endSessions(tx, tx.principal.sessionId);
      }
      await queueNotice(tx, ctx, present ? "authenticatorReplaced" : "mfaEnabled");
      return { authenticator, recoveryCodes };
    }),
  );
}
