import type { Context } from "../../context/context";
import { Credential } from "../../entities/Credential";
import { Refusal, Refused } from "../../errors";
import { boundedText, lineFrom } from "../steps/lineFrom";

/**
 * Changes what is given. Who owns it, and its secret, never change.
 *
 * @throws Forbidden when the owner has a role above the caller's (C11).
 * @throws Refused (CONFLICT) when it is revoked.
 */
export async function updateCredential(
  ctx: Context,
  credentialId: string,
  wanted: { description?: string | null | undefined; metadata?: string | null | undefined },
): Promise<Credential> {
  const access = await ctx.changingOf(Credential, credentialId);
  return access.transaction(async (tx) => {
    const credential = await tx.lock(Credential, credentialId);
    tx.authorize("update", credential);
    if (credential.revokedAt) {
      throw new Refused(Refusal.CONFLICT, "The credential is revoked, and stays as it is.");
    }
    const description =
      wanted.description === undefined
        ? credential.description
        : lineFrom(wanted.description ?? "", ["description"]);
    const metadata =
      wanted.metadata === undefined
        ? credential.metadata
        : boundedText(wanted.metadata ?? "", ["metadata"], 4096);
    if (description === credential.description && metadata === credential.metadata) {
      return credential;
    }
    Object.assign(credential, { description, metadata });
    await tx.save(credential);
    await tx.record("credential_updated.v1", credential);
    return credential;
  });
}
