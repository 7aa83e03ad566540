import { PrincipalKind } from "../../entities/Event";
import { Surface } from "../../entities/Session";
import { personKey } from "../../identity/throttle";
import type { Principal } from "../../principal";

/** A user who says that they are this one, and has not proven it yet (NIST SP 800-63: the claimant). */
export interface Claimant {
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
}

/** The claimant as the principal of a request, with no session and no proof. */
export function claimantAs({ id, email, name, emailVerified }: Claimant): Principal {
  return {
    kind: PrincipalKind.USER,
    id,
    subject: email,
    name,
    emailVerified,
    surface: Surface.DASHBOARD,
    sessionId: null,
    credentialId: null,
    accountId: null,
    methods: [],
    authenticatedAt: null,
  };
}

/**
 * The claimant of an email that no user has. A refusal is worked off for them as for a user, and leaves
 * no event, as there is no such user to have it (U2).
 */
export const nobodyWith = (email: string): Principal =>
  claimantAs({ id: personKey(email), email: "", name: "", emailVerified: false });
