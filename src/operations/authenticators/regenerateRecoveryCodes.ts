import type { Context } from "../../context/context";
import type { Authenticator } from "../../entities/Authenticator";
import { Refusal, Refused } from "../../errors";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";
import { removePending } from "../steps/removePending";
import { type NewRecoveryCodes, renewRecoveryCodes } from "../steps/renewRecoveryCodes";
import { tryCode } from "../steps/tryCode";
import { useCode } from "../steps/useCode";

/**
 * Makes new recovery codes, which void the old ones (T3). It takes a code of the app or an old recovery
 * code: each new code can turn the second factor off, so a session alone must not get them.
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) where the second factor is off.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function regenerateRecoveryCodes(
  ctx: Context,
  code: string,
): Promise<{ authenticator: Authenticator; recoveryCodes: NewRecoveryCodes }> {
  return tryCode(ctx, "re-authentication", () =>
    ctx.self.transaction(async (tx) => {
      const user = await lockSelf(tx);
      tx.requireFresh(user);
      const authenticator = await lockAuthenticator(tx);
      if (!authenticator) {
        const message =
          "The second factor is off, so there are no recovery codes. Set it up first.";
        throw new Refused(Refusal.CONFLICT, message);
      }
      await useCode(tx, ctx, authenticator, code);
      await removePending(tx, user.id);
      tx.authorize("update", authenticator);
      const recoveryCodes = renewRecoveryCodes(ctx, authenticator, tx.now);
      await tx.save(authenticator);
      await tx.record("recovery_codes_created.v1", authenticator);
      await queueNotice(tx, ctx, "recoveryCodesCreated");
      return { authenticator, recoveryCodes };
    }),
  );
}
