import type { Context } from "../../context/context";
import { Credential } from "../../entities/Credential";

/**
 * Revokes a credential for good. It stays listed as revoked (C10). To revoke it again does nothing.
 *
 * @throws Forbidden when the owner has a role above the caller's (C11).
 */
export async function revokeCredential(ctx: Context, credentialId: string): Promise<Credential> {
  const access = await ctx.changingOf(Credential, credentialId);
  return access.transactionOn(Credential, credentialId, async (tx, credential) => {
    tx.authorize("revoke", credential);
    if (credential.revokedAt) return credential;

    credential.revokedAt = tx.now;
    await tx.save(credential);
    await tx.record("credential_revoked.v1", credential);
    return credential;
  });
}
