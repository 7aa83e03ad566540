import type { Context } from "../../context/context";
import type { Authenticator } from "../../entities/Authenticator";

/** Secrets are sealed for the row they are in. */
export const secretPlace = ({ id }: Pick<Authenticator, "id">) => `authenticators ${id}`;

export function openTotpSecret(ctx: Context, row: Authenticator, sealed: Buffer): Buffer {
  return ctx.services.keyring.open({ keyId: row.keyId, sealed }, secretPlace(row));
}
