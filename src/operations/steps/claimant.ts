import { PrincipalKind } from "../../entities/Event";
import { Surface } from "../../entities/Session";
import type { Principal } from "../../principal";

/** A user who is on the way in. */
export interface Arriving {
  id: string;
  email: string;
  name: string;
  emailVerified: boolean;
}

/** The user as whom somebody is trying to get in, not proven yet. */
export function arriving({ id, email, name, emailVerified }: Arriving): Principal {
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
