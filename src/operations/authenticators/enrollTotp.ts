import type { Context } from "../../context/context";
import { Authenticator } from "../../entities/Authenticator";
import { newTotpSecret, type TotpSetup, totpSetup } from "../../identity/totp";
import { newId } from "../../ids";
import { lockAuthenticator, lockPending } from "../steps/lockAuthenticator";
import { lockSelf } from "../steps/lockSelf";
import { secretPlace } from "../steps/openTotpSecret";
import { tryCode } from "../steps/tryCode";
import { codeOwed, useCode } from "../steps/useCode";

/**
 * Makes the secret of an authenticator app. The app is not on until `confirmTotp` has seen a first code
 * of it (T1). To ask again makes another secret. Where an app is on already, this takes one of its codes,
 * and that app stays on until the new one is confirmed.
 *
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (MFA_CHALLENGE) without a code of the present app.
 * @throws Unauthenticated (MFA_INVALID) for a wrong code; RateLimited after too many.
 */
export async function enrollTotp(
  ctx: Context,
  code: string | null,
): Promise<{ authenticator: Authenticator; setup: TotpSetup }> {
  const { principal: who, services } = ctx;
  const secret = newTotpSecret();
  const enroll = () =>
    ctx.self.transaction(async (tx) => {
      const user = await lockSelf(tx);
      tx.requireFresh(user);
      const present = await lockAuthenticator(tx);
      if (present) {
        if (code === null) throw codeOwed();
        await useCode(tx, ctx, present, code);
      }
      const pending = await lockPending(tx);
      const id = pending?.id ?? newId("Authenticator");
      const { keyId, sealed } = services.keyring.seal(secret, secretPlace({ id }));
      const made = { keyId, sealedSecret: sealed, createdAt: tx.now };
      const authenticator = Object.assign(
        pending ??
          Object.assign(new Authenticator(), {
            id,
            userId: who.id,
            lastStep: 0,
            recoveryCodeHashes: [],
            recoveryCodesLeft: 0,
            recoveryCodesCreatedAt: null,
            confirmedAt: null,
            removedAt: null,
          }),
        made,
      );
      tx.authorize(pending ? "update" : "create", authenticator);
      await tx.save(authenticator);
      await tx.record("authenticator_created.v1", authenticator);
      return authenticator;
    });
  const authenticator =
    code === null ? await enroll() : await tryCode(ctx, "re-authentication", enroll);
  return { authenticator, setup: await totpSetup(secret, services.name, who.subject) };
}
