import type { Context } from "../../context/context";
import type { Authenticator } from "../../entities/Authenticator";
import { newRecoveryCodes, recoveryCodesText } from "../../identity/recoveryCodes";

export interface NewRecoveryCodes {
  codes: string[];
  /** The codes as a text file to keep. */
  text: string;
}

/** Makes new recovery codes, which void the old ones. Only the answer has them; the row has hashes. */
export function renewRecoveryCodes(
  { services, principal }: Context,
  authenticator: Authenticator,
  now: Date,
): NewRecoveryCodes {
  const { codes, hashes } = newRecoveryCodes();
  authenticator.recoveryCodeHashes = hashes;
  authenticator.recoveryCodesLeft = hashes.length;
  authenticator.recoveryCodesCreatedAt = now;
  return { codes, text: recoveryCodesText(codes, services.name, principal.subject) };
}
