import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Identity, type SocialProvider } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { PROVIDER_NAMES } from "../../identity/providers";
import { newId } from "../../ids";
import { askProvider } from "../steps/askProvider";
import { findProvider } from "../steps/findProvider";
import { lockSubject } from "../steps/lockSubject";
import { queueNotice } from "../steps/queueNotice";
import { forgiveAuthorization } from "../steps/startAuthorization";

/**
 * Links an identity at a provider to the caller, who has come back from there in the session that began
 * it (`redeemAuthorization`). An identity that is linked to the caller already stays as it is.
 *
 * @throws Unauthenticated when the session has ended.
 * @throws Refused (PROVIDER_FAILED); (CONFLICT) for the identity of another user, who is not named.
 */
export async function addIdentity(
  ctx: Context,
  provider: SocialProvider,
  secret: string,
  parameters: URLSearchParams,
): Promise<void> {
  const { id } = ctx.principal;
  const client = findProvider(ctx, provider);
  const { subject, email } = await askProvider(ctx, client.identify(secret, parameters));
  await ctx.self.transaction(async (tx) => {
    await lockSubject(tx, provider, subject);
    const [held] = await tx.query<{ userId: string }>(sql`
      select user_id as "userId" from identities
      where provider = ${provider} and subject = ${subject}`);
    if (held?.userId === id) return;
    if (held) {
      throw new Refused(
        Refusal.CONFLICT,
        `This ${PROVIDER_NAMES[provider]} account is linked to another user. Choose another one there.`,
      );
    }
    const identity = Object.assign(new Identity(), {
      id: newId("Identity"),
      userId: id,
      ...{ provider, subject, email, lastUsedAt: null, createdAt: tx.now },
    });
    tx.authorize("create", identity);
    await tx.save(identity);
    await tx.record("identity_linked.v1", identity);
    await queueNotice(tx, ctx, "identityLinked", PROVIDER_NAMES[provider]);
  });
  forgiveAuthorization(ctx);
}
