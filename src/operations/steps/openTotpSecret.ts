import type { Context } from "../../context/context";
import type { Authenticator } from "../../entities/Authenticator";

/** The row that a secret is encrypted for: it can't be decrypted in another row. */
export const secretPlace = ({ id }: Pick<Authenticator, "id">) => `authenticators ${id}`;

export function openTotpSecret(ctx: Context, row: Authenticator, sealed: Buffer): Buffer {
  return ctx.services.keyring.open({ keyId: row.keyId, sealed }, secretPlace(row));
}
