import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { PrincipalKind, UserEvent } from "../entities/Event";
import { Identity } from "../entities/Identity";
import { Membership, Provisioning } from "../entities/Membership";
import { Session, Surface } from "../entities/Session";
import { User } from "../entities/User";
import type { Principal } from "../principal";
import type { Words } from "./ability";

/**
 * What belongs to a user and to no account. It takes a session: an API key acts for its owner in one
 * account, and never reaches the owner's sessions or sign-in (C7).
 */
export function user({ allow }: Words, principal: Principal): void {
  if (principal.kind !== PrincipalKind.USER) return;

  allow("read", User, "Users see themselves.", { id: principal.id });
  // An API key sees one membership: that of its owner in its account.
  allow("read", Membership, "Users see their own memberships.", {
    userId: principal.id,
    removedAt: null,
    ...(principal.accountId && { accountId: principal.accountId }),
  });

  if (principal.surface !== Surface.DASHBOARD) return;
  allow(["read", "create", "update", "end"], Session, "Users manage their own sessions.", {
    userId: principal.id,
  });
  allow(["read", "create", "update"], Authenticator, "Users manage their own second factor.", {
    userId: principal.id,
  });
  allow(["read", "create", "delete"], Identity, "Users link and unlink their own identities.", {
    userId: principal.id,
  });
  allow("update", User, "Users change their own profile and sign-in.", { id: principal.id });
  allow("read", UserEvent, "Users see the events of their own sign-in.", {
    userId: principal.id,
  });
  if (principal.emailVerified) {
    allow("create", Account, "Users with a verified email may create accounts.");
    allow("create", Membership, "The user who creates an account is its first administrator.", {
      userId: principal.id,
      provisioning: Provisioning.FOUNDER,
      administrator: true,
    });
  }
}
