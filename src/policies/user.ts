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
 * What is a person's own and belongs to no account. It takes a session: an API key acts for its
 * owner in one account, and never reaches the owner's sessions or sign-in (C7).
 */
export function user({ allow }: Words, principal: Principal): void {
  if (principal.kind !== PrincipalKind.USER) return;

  allow("read", User, "Everyone sees themselves.", { id: principal.id });
  // A key sees one membership: the one it stands for.
  allow("read", Membership, "Everyone sees their own memberships.", {
    userId: principal.id,
    removedAt: null,
    ...(principal.accountId && { accountId: principal.accountId }),
  });

  if (principal.surface !== Surface.DASHBOARD) return;
  allow(["read", "create", "update", "end"], Session, "Everyone runs their own sessions.", {
    userId: principal.id,
  });
  allow(["read", "create", "update"], Authenticator, "Everyone runs their own second factor.", {
    userId: principal.id,
  });
  allow(
    ["read", "create", "delete"],
    Identity,
    "Everyone links and unlinks their own identities.",
    {
      userId: principal.id,
    },
  );
  allow("update", User, "Everyone runs their own sign-in.", { id: principal.id });
  allow("read", UserEvent, "Everyone sees the events of their own sign-in.", {
    userId: principal.id,
  });
  if (principal.emailVerified) {
    allow("create", Account, "Anyone with a verified email may create an account.");
    allow("create", Membership, "Whoever creates an account is its first administrator.", {
      userId: principal.id,
      provisioning: Provisioning.FOUNDER,
      administrator: true,
    });
  }
}
