import type { Context } from "../../context/context";
import { Credential } from "../../entities/Credential";
import { Refusal, Refused } from "../../errors";
import { boundedText, lineFrom } from "../steps/lineFrom";

/**
 * Changes the description and the metadata, where given. The owner and the secret never change.
 *
 * @throws Forbidden when the owner has a role above the caller's (C11).
 * @throws Refused (CONFLICT) for a revoked credential.
 */
export async function updateCredential(
  ctx: Context,
  credentialId: string,
  wanted: { description?: string | null | undefined; metadata?: string | null | undefined },
): Promise<Credential> {
  const access = await ctx.changingOf(Credential, credentialId);
  return access.transactionOn(Credential, credentialId, async (tx, credential) => {
    tx.authorize("update", credential);
    if (credential.revokedAt) {
      throw new Refused(
        Refusal.CONFLICT,
        "The credential is revoked. A revoked credential can't be changed.",
      );
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
