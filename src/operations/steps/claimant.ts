import { PrincipalKind } from "../../entities/Event";
import { Surface } from "../../entities/Session";
import { personKey } from "../../identity/throttle";
import type { Principal } from "../../principal";

/** The user that the caller claims to be, without proof so far (NIST SP 800-63: the claimant). */
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
 * The claimant of an email that no user has. Their refusal runs the same statements as that of a user, and
 * leaves no event, as no user has this ID (U2).
 */
export const nobodyWith = (email: string): Principal =>
  claimantAs({ id: personKey(email), email: "", name: "", emailVerified: false });
