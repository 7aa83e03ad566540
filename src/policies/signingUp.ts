import { PrincipalKind } from "../entities/Event";
import { Identity } from "../entities/Identity";
import { User } from "../entities/User";
import { type Principal, SIGN_UP } from "../principal";
import type { Words } from "./ability";

/** What a sign-up may do. No user exists yet who could be asked. */
export function signingUp({ allow }: Words, { kind, id }: Principal): void {
  if (kind !== PrincipalKind.SYSTEM || id !== SIGN_UP) return;
  allow("create", User, "Signing up creates a user.");
  allow("create", Identity, "Signing up through a provider links the identity there.");
}
