import type { Context } from "../../context/context";
import type { Authenticator } from "../../entities/Authenticator";
import { Refusal, Refused } from "../../errors";
import { lockAuthenticator } from "../steps/lockAuthenticator";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";
import { type RecoveryCodes, renewRecoveryCodes } from "../steps/renewRecoveryCodes";

/**
 * Makes new recovery codes; those before are void (T3).
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) where the second factor is off.
 */
export async function regenerateRecoveryCodes(
  ctx: Context,
): Promise<{ authenticator: Authenticator; recoveryCodes: RecoveryCodes }> {
  return ctx.self.transaction(async (tx) => {
    const user = await lockSelf(tx);
    tx.requireFresh(user);
    const authenticator = await lockAuthenticator(tx);
    if (!authenticator) {
      const message = "The second factor is off, so there are no recovery codes. Set it up first.";
      throw new Refused(Refusal.CONFLICT, message);
    }
    tx.authorize("update", authenticator);
    const recoveryCodes = renewRecoveryCodes(ctx, authenticator, tx.now);
    await tx.save(authenticator);
    await tx.record("recovery_codes_created.v1", authenticator);
    await queueNotice(tx, ctx, "recoveryCodesCreated");
    return { authenticator, recoveryCodes };
  });
}
