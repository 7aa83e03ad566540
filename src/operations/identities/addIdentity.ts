import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Identity, type SocialProvider } from "../../entities/Identity";
import type { SignInMethod } from "../../entities/Session";
import { Refusal, Refused, Unauthenticated } from "../../errors";
import { PROVIDER_NAMES } from "../../identity/providers";
import { newId } from "../../ids";
import { askProvider } from "../steps/askProvider";
import { type Claimant, claimantAs } from "../steps/claimant";
import { findProvider } from "../steps/findProvider";
import { lockSubject } from "../steps/lockSubject";
import { queueNotice } from "../steps/queueNotice";
import { forgiveAuthorization } from "../steps/startAuthorization";

interface Linking extends Claimant {
  methods: SignInMethod[];
  authenticatedAt: Date;
}

/**
 * Links the identity that somebody has come back with to the user whose session began it, as long as
 * that is open. One that is theirs already stays as it is.
 *
 * @throws Unauthenticated when the session has ended.
 * @throws Refused (PROVIDER_FAILED; CONFLICT for the identity of another user, which is not named).
 */
export async function addIdentity(
  ctx: Context,
  provider: SocialProvider,
  sessionId: string,
  secret: string,
  parameters: URLSearchParams,
): Promise<void> {
  const client = findProvider(ctx, provider);
  const { subject, email } = await askProvider(ctx, client.identify(secret, parameters));
  const [user] = await ctx.db.query<Linking>(sql`
    select u.id, u.email, u.name, u.email_verified_at is not null as "emailVerified",
      s.methods, s.authenticated_at as "authenticatedAt"
    from sessions s join users u on u.id = s.user_id
    where s.id = ${sessionId} and s.expires_at > now()`);
  if (!user) throw ended();
  const { methods, authenticatedAt } = user;
  const who = { ...claimantAs(user), sessionId, methods, authenticatedAt };
  await ctx.as(who).transaction(async (tx) => {
    await lockSubject(tx, provider, subject);
    const [held] = await tx.query<{ userId: string }>(sql`
      select user_id as "userId" from identities
      where provider = ${provider} and subject = ${subject}`);
    if (held?.userId === user.id) return;
    if (held) {
      throw new Refused(
        Refusal.CONFLICT,
        `Somebody else signs in with this identity at ${PROVIDER_NAMES[provider]}. Choose another there.`,
      );
    }
    const identity = Object.assign(new Identity(), {
      id: newId("Identity"),
      userId: user.id,
      ...{ provider, subject, email, lastUsedAt: null, createdAt: tx.now },
    });
    tx.authorize("create", identity);
    await tx.save(identity);
    await tx.record("identity_linked.v1", identity);
    await queueNotice(tx, ctx, "identityLinked", PROVIDER_NAMES[provider]);
  });
  forgiveAuthorization(ctx);
}

function ended(): Unauthenticated {
  return new Unauthenticated("This session has ended. Sign in again.");
}
