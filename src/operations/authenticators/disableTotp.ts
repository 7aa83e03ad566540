import type { Context } from "../../context";
import type { Authenticator } from "../../entities/Authenticator";
import { Refusal, Refused } from "../../errors";
import {
  lockAuthenticator,
  lockSelf,
  queueNotice,
  removeAuthenticator,
  tryAt,
  useCode,
} from "../proving";

/**
 * Turns the second factor off, with a code of it or a recovery code (T4).
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) where it is off.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function disableTotp(ctx: Context, code: string): Promise<Authenticator> {
  const { principal: who } = ctx;
  const attempt = { secret: "code", email: who.subject, who, familiar: true } as const;
  return tryAt(ctx, attempt, () =>
    ctx.self.transaction(async (tx) => {
      const user = await lockSelf(tx);
      tx.requireFresh(user);
      const authenticator = await lockAuthenticator(tx);
      if (!authenticator) {
        throw new Refused(Refusal.CONFLICT, "The second factor is off already.");
      }
      await useCode(tx, ctx, authenticator, code);
      await removeAuthenticator(tx, authenticator);
      user.mfaEnabledAt = null;
      await tx.save(user);
      await tx.record("mfa_disabled.v1", user);
      await queueNotice(tx, ctx, "mfaDisabled");
      return authenticator;
    }),
  );
}
