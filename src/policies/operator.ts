import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { Event, PrincipalKind, UserEvent } from "../entities/Event";
import { Membership, Provisioning } from "../entities/Membership";
import { Session } from "../entities/Session";
import { User } from "../entities/User";
import { OPERATOR, type Principal } from "../principal";
import type { Words } from "./ability";

/**
 * What the operator's commands may do. No job may do it: a bug in a job can't reset a user's second
 * factor.
 */
export function operator({ allow }: Words, { kind, id }: Principal): void {
  if (kind !== PrincipalKind.SYSTEM || id !== OPERATOR) return;

  for (const subject of [Account, Membership, User, Session, Authenticator] as const) {
    allow("read", subject, "The operator finds the user or account that a command names.");
  }
  for (const subject of [Event, UserEvent] as const) {
    allow("read", subject, "The operator reads all events, those of deleted accounts included.");
  }
  allow("resetMfa", User, "Only the operator resets a second factor.");
  allow(
    "update",
    Authenticator,
    "The operator removes second factors, and renews the encryption of their secrets.",
  );
  allow("end", Session, "The operator ends users' sessions.");
  allow("create", User, "The operator creates the first user.");
  allow("create", Account, "The operator creates the first account.");
  allow(
    "create",
    Membership,
    "The operator makes the first user the administrator of the first account.",
    {
      provisioning: Provisioning.FOUNDER,
      administrator: true,
    },
  );
}
