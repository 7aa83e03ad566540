import type { Context } from "../../context/context";
import { sql } from "../../database/sql";
import { Identity } from "../../entities/Identity";
import { Refusal, Refused } from "../../errors";
import { voidPendingProofs } from "../../identity/oneTimeTokens";
import { PROVIDER_NAMES } from "../../identity/providers";
import { lockSelf } from "../steps/lockSelf";
import { queueNotice } from "../steps/queueNotice";

/**
 * Unlinks an identity of the caller. From this commit on it opens no session, and a sign-in with it that
 * waits for a code is void. Sessions that were opened with it stay open.
 *
 * @throws NotFound for an identity of another user.
 * @throws Forbidden for an API key, or without a fresh proof (REAUTHENTICATION_REQUIRED).
 * @throws Refused (CONFLICT) for the caller's last way to sign in.
 */
export async function unlinkIdentity(ctx: Context, identityId: string): Promise<Identity> {
  return ctx.self.transaction(async (tx) => {
    // Locks the user, so that two requests can't unlink the last two at the same time.
    const user = await lockSelf(tx);
    const identity = await tx.lock(Identity, identityId);
    tx.authorize("delete", identity);
    tx.requireFresh(identity);
    const configured = ctx.services.social.map(({ provider }) => provider);
    const others = await tx.query(sql`
      select from users where id = ${user.id} and password_hash is not null
      union all
      select from identities where user_id = ${user.id} and id <> ${identityId}
        and provider = any(${configured})`);
    if (!others.length) {
      throw new Refused(
        Refusal.CONFLICT,
        "This is your last way to sign in. Set a password with `setPassword`, or link another identity first.",
        ["identityId"],
      );
    }
    await voidPendingProofs(tx.unrecorded("one_time_tokens"), user.id);
    await tx.delete(identity);
    await tx.record("identity_unlinked.v1", identity);
    await queueNotice(tx, ctx, "identityUnlinked", PROVIDER_NAMES[identity.provider]);
    return identity;
  });
}
