import { Account } from "../entities/Account";
import { Authenticator } from "../entities/Authenticator";
import { Event, PrincipalKind, UserEvent } from "../entities/Event";
import { Membership, Provisioning } from "../entities/Membership";
import { Session } from "../entities/Session";
import { User } from "../entities/User";
import { OPERATOR, type Principal } from "../principal";
import type { Words } from "./ability";

/**
 * What the commands of whoever runs the service may do, and no other machine of ours: a bug in a job
 * resets nobody's second factor.
 */
export function operator({ allow }: Words, { kind, id }: Principal): void {
  if (kind !== PrincipalKind.SYSTEM || id !== OPERATOR) return;

  for (const subject of [Account, Membership, User, Session, Authenticator] as const) {
    allow("read", subject, "The operator finds whom a command is about.");
  }
  for (const subject of [Event, UserEvent] as const) {
    allow("read", subject, "The operator reads what happened, in closed accounts too.");
  }
  allow("resetMfa", User, "Only the operator resets a second factor.");
  allow(
    "update",
    Authenticator,
    "The operator removes second factors, and renews the encryption of their secrets.",
  );
  allow("end", Session, "The operator ends people's sessions.");
  allow("create", User, "The operator creates the first user.");
  allow("create", Account, "The operator creates the first account.");
  allow("create", Membership, "The operator names its first administrator.", {
    provisioning: Provisioning.FOUNDER,
    administrator: true,
  });
}
